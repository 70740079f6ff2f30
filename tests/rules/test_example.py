"""The example of a configuration of Alertmanager names only alerts that there are."""

import re
from pathlib import Path

import yaml

from detector.incidents.lifecycle import ANOMALY, BLIND, SILENT

RULES = Path(__file__).parents[2] / "rules"


def alerts() -> set[str]:
    rules = (yaml.safe_load((RULES / name).read_text()) for name in ("alerts.yml", "anomalies.yml"))
    alerted = {rule["alert"] for file in rules for group in file["groups"] for rule in group["rules"]}
    return alerted | {ANOMALY, SILENT, BLIND}


def patterns() -> list[str]:
    """Return the regular expressions of the matchers of alert names."""
    return re.findall(r'alertname=~?"([^"]+)"', (RULES / "alertmanager-example.yml").read_text())


def test_each_alternative_of_a_matcher_is_an_alert() -> None:
    named = {
        name for pattern in patterns() for name in re.findall(r"Larimar\w+", pattern.replace("(", "").replace("|", " "))
    }
    assert named
    assert named <= alerts()


def test_each_matcher_matches_an_alert() -> None:
    for pattern in patterns():
        assert any(re.fullmatch(pattern, name) for name in alerts()), pattern
