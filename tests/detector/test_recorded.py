"""Signals that recording rules have worked out are read; what they have not is worked out as ever."""

from pathlib import Path

import pytest
import yaml

from detector.rules import document, main, rules
from tests.detector.running import FAULT, MINUTE, START, Run
from tests.detector.servers import FakeAlertmanager, FakePrometheus, named, only
from tests.detector.world import SIGNALS, Fault, World, to

ERRORS = next(rule for rule in rules(SIGNALS, 120.0) if rule.record == "larimar:signal:errors:rate2m")
EVENTS = next(rule for rule in rules(SIGNALS, 120.0) if rule.record == "larimar:signal_events:errors:rate2m")
SHIPPED_RULES = Path(__file__).parents[2] / "rules" / "signals.yml"


def asked(prometheus: FakePrometheus, run: Run, minutes: float) -> list[str]:
    """Everything that is asked of Prometheus in some minutes."""
    begin = len(prometheus.asked)
    run.until(run.clock.now() + minutes * MINUTE)
    return prometheus.asked[begin:]


def test_what_is_recorded_is_read_instead_of_worked_out(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> None:
    world.recorded = True
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 15 * MINUTE, to(0.05)))
    run.until(START + MINUTE)
    queries = asked(prometheus, run, 15)
    assert {ERRORS.record, EVENTS.record} <= set(queries)
    assert not {ERRORS.expression, EVENTS.expression} & set(queries)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "app", "errors")]


def test_rules_that_are_taken_away_cost_no_sample_and_no_alert(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> None:
    world.recorded = True
    run.until(START + 11 * MINUTE)
    world.recorded = False
    queries = asked(prometheus, run, 5)
    assert ERRORS.expression in queries
    assert ERRORS.record not in asked(prometheus, run, 20)[-100:]
    assert alertmanager.posted == []
    assert run.app.detector.not_ready(run.clock.now()) == []


def test_rules_that_are_added_are_found(run: Run, world: World, prometheus: FakePrometheus) -> None:
    assert ERRORS.record not in asked(prometheus, run, 5)
    world.recorded = True
    assert ERRORS.record in asked(prometheus, run, 11)


def test_series_of_several_servers_are_not_taken_for_one(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> None:
    world.recorded, world.cluster = True, "eu"
    run.until(START + MINUTE)
    queries = asked(prometheus, run, 5)
    assert ERRORS.expression in queries
    assert alertmanager.posted == []


def test_a_look_that_fails_changes_nothing(run: Run, world: World, prometheus: FakePrometheus) -> None:
    world.recorded = True
    run.until(START + 5 * MINUTE)
    prometheus.broken = ("count by (__name__)",)
    assert ERRORS.record in asked(prometheus, run, 11)
    assert run.app.detector.not_ready(run.clock.now()) == []


def test_the_rules_that_are_shipped_are_those_of_the_signals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == SHIPPED_RULES.read_text()


def test_rules_are_of_the_window_and_the_signals_that_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.yml"
    file.write_text(
        "shipments: {query: 'sum by (service_name) (rate(shipped[$window]))', unit: s, bad: up, kind: rate, "
        "silence: false, priority: 3, floor: 1, meaning: m, advice: a}"
    )
    assert main(["--query.window=5m", f"--signals.file={file}"]) == 0
    made = yaml.safe_load(capsys.readouterr().out)["groups"][0]["rules"]
    own = {"record": "larimar:signal:shipments:rate5m", "expr": "sum by (service_name) (rate(shipped[300s]))"}
    assert own in made
    assert all(rule["record"].endswith(":rate5m") for rule in made)


def test_a_file_of_signals_that_cannot_be_used_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--signals.file={tmp_path / 'none.yml'}"]) == 2
    assert "none.yml" in capsys.readouterr().err


def test_costly_questions_are_not_recorded() -> None:
    seldom = {signal.name for signal in SIGNALS if signal.every}
    assert seldom
    assert not any(name in document(SIGNALS, 120.0) for name in seldom)
