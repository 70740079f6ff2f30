import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from detector.incidents import lifecycle
from detector.incidents.links import RUNBOOKS

ROOT = Path(__file__).parents[2]
RULE_FILES = ("recording.yml", "alerts.yml", "anomalies.yml", "signals.yml")
ALERTS: list[dict[str, Any]] = [
    rule
    for file in RULE_FILES
    for group in yaml.safe_load((ROOT / "rules" / file).read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_what_and_where_to_read(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert {"summary", "description", "runbook_url"} <= rule["annotations"].keys()
    assert rule["for"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_runbook_exists(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert anchor in sections(page)
    assert anchor == rule["alert"].lower()


@pytest.mark.parametrize("alert", [lifecycle.ANOMALY, lifecycle.SILENT, lifecycle.BLIND])
def test_every_alert_of_the_detector_has_a_runbook(alert: str) -> None:
    assert alert.lower() in sections(RUNBOOKS)


def sections(page: str) -> set[str]:
    """Return the anchors of a page's sections."""
    return {heading.lower() for heading in re.findall(r"^## (\w+)$", (ROOT / page).read_text(), re.MULTILINE)}


def test_every_rule_file_is_tested() -> None:
    tested = {
        Path(name).name
        for file in (ROOT / "rules" / "tests").glob("*.yml")
        for name in yaml.safe_load(file.read_text())["rule_files"]
    }
    assert tested == set(RULE_FILES)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_unit_test_that_sees_it_fire(rule: dict[str, Any]) -> None:
    cases = [
        case
        for file in (ROOT / "rules" / "tests").glob("*.yml")
        for group in yaml.safe_load(file.read_text())["tests"]
        for case in group.get("alert_rule_test", ())
        if case["alertname"] == rule["alert"]
    ]
    assert any(case["exp_alerts"] for case in cases)
    assert any(not case["exp_alerts"] for case in cases)
