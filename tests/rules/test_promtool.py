"""What Prometheus' and Alertmanager's own tools say of the rules, the example and the metrics."""

import os
import subprocess
from pathlib import Path

import pytest

from quickstart.debian import Tree
from tests.contract.exposition import GOLDEN

pytestmark = pytest.mark.live

RULES = Path(__file__).parents[2] / "rules"
RULE_FILES = sorted(file for file in RULES.glob("*.yml") if file.name != "alertmanager-example.yml")
TEST_FILES = sorted((RULES / "tests").glob("*.yml"))


def said(tree: Tree, program: str, *arguments: str | Path, given: str = "") -> str:
    """Run a tool; fails with what it said where it is not content."""
    done = subprocess.run(
        [tree.binary(program), *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=tree.environment(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.name)
def test_rules_are_well_formed(tree: Tree, file: Path) -> None:
    assert "SUCCESS" in said(tree, "promtool", "check", "rules", file)


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.name)
def test_rules_pass_their_unit_tests(tree: Tree, file: Path) -> None:
    assert "SUCCESS" in said(tree, "promtool", "test", "rules", file)


def test_a_rule_that_is_wrong_fails_its_unit_test(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "recording.yml").write_text((RULES / "recording.yml").read_text())
    (tmp_path / "alerts.yml").write_text((RULES / "alerts.yml").read_text().replace("> 0.01", "> 0.5"))
    (tmp_path / "tests" / "alerts.yml").write_text((RULES / "tests" / "alerts.yml").read_text())
    with pytest.raises(AssertionError, match="LarimarCaptureDropping"):
        said(tree, "promtool", "test", "rules", tmp_path / "tests" / "alerts.yml")


def test_the_example_is_one_that_alertmanager_takes(tree: Tree) -> None:
    assert "SUCCESS" in said(tree, "amtool", "check-config", RULES / "alertmanager-example.yml")


@pytest.mark.parametrize(
    "alert", ["alertname=LarimarServiceAnomaly service_name=shop", "alertname=LarimarExporterDown instance=a"]
)
def test_the_example_routes_larimars_alerts_to_people(tree: Tree, alert: str) -> None:
    route = ("config", "routes", "test", f"--config.file={RULES / 'alertmanager-example.yml'}", *alert.split())
    assert said(tree, "amtool", *route).splitlines()[0] == "on-call"


def test_the_metrics_follow_prometheus_conventions(tree: Tree) -> None:
    assert said(tree, "promtool", "check", "metrics", given=GOLDEN.read_text()) == ""
