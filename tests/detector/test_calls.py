"""Signals of what one service asks of another: each pair is judged and told by itself."""

from pathlib import Path

import pytest

from tests.detector.running import FAULT, MINUTE, START, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, only
from tests.detector.test_feedback import false_alarm
from tests.detector.world import Fault, World, daily, shop, steady, to


def with_calls(world: World) -> World:
    """The app calls a cache and a database."""
    for seed, server in ((51, "cache"), (57, "db")):
        world.calls["app", server] = {
            "calls": daily(40.0, 0.3, 0.04, seed),
            "call_errors": steady(0.08 if server == "db" else 0.001, 0.02, seed + 1),
            "call_latency": steady(0.002, 0.05, seed + 2),
        }
    return world


@pytest.fixture
def calls(world: World) -> World:
    return with_calls(world)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("learnt")
    healthy = with_calls(shop())
    with (
        FakePrometheus(healthy).serving() as prometheus,
        running(settings(prometheus, folder), FakeClock(START)) as run,
    ):
        run.until(START)
    return (folder / "baselines.npz").read_bytes()


def fail(world: World, server: str, share: float) -> None:
    """For an hour so many of the calls fail, and nothing else of either service."""
    world.faults.append(Fault("app", "call_errors", FAULT, FAULT + 60 * MINUTE, to(share), server))


def test_calls_that_fail_are_told_with_both_ends_though_neither_service_departs(
    run: Run, calls: World, alertmanager: FakeAlertmanager
) -> None:
    fail(calls, "cache", 0.08)
    run.until(FAULT + 10 * MINUTE)
    assert only(alertmanager).labels == {
        "alertname": "LarimarServiceAnomaly",
        "severity": "warning",
        "service_name": "app",
        "server": "cache",
        "signal": "call_errors",
    }
    told = alertmanager.posted[-1].annotations
    assert told["summary"].startswith("app: call errors to cache above normal: 8 % of requests, ")
    assert "call errors of app to cache: 8 % of requests, where" in told["description"]
    assert told["query"].endswith(
        'and on (service_name, server) label_replace(label_replace(vector(1), "service_name", "app", "", ""), '
        '"server", "cache", "", "")'
    )


def test_each_callee_is_judged_by_what_is_usual_for_it(run: Run, calls: World, alertmanager: FakeAlertmanager) -> None:
    run.until(FAULT + 15 * MINUTE)
    assert not alertmanager.posted
    page = run.app.metrics.registry.get_sample_value
    expected = {
        server: page("larimar_detector_expected", {"service_name": "app", "signal": "call_errors", "server": server})
        for server in ("cache", "db")
    }
    assert expected["cache"] == pytest.approx(0.001, rel=0.2)
    assert expected["db"] == pytest.approx(0.08, rel=0.2)


def test_a_callee_that_fails_everybody_explains_the_calls_to_it(
    run: Run, calls: World, alertmanager: FakeAlertmanager
) -> None:
    fail(calls, "cache", 0.08)
    calls.faults.append(Fault("cache", "errors", FAULT, FAULT + 60 * MINUTE, to(0.08)))
    run.until(FAULT + 10 * MINUTE)
    assert only(alertmanager).labels["service_name"] == "cache"
    assert "app call errors to cache 8 %" in alertmanager.posted[-1].annotations["description"]


def test_an_alert_of_calls_outlives_a_restart(
    calls: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> None:
    fail(calls, "cache", 0.08)
    config = settings(prometheus, folder, alertmanager)
    with running(config, clock) as run:
        run.until(FAULT + 10 * MINUTE)
    with running(config, clock) as run:
        run.until(FAULT + 20 * MINUTE)
    assert only(alertmanager).resolved_at is None
    with running(config, clock) as run:
        run.until(FAULT + 90 * MINUTE)
    assert only(alertmanager).resolved_at is not None


def test_a_false_alarm_is_one_of_these_calls_alone(run: Run, calls: World, alertmanager: FakeAlertmanager) -> None:
    labels = {"service_name": "app", "signal": "call_errors", "server": "cache"}
    alertmanager.silences = [false_alarm(labels, 1)]
    run.until(FAULT + 5 * MINUTE)
    names = {"service_name": "app", "signal": "call_errors"}
    page = run.app.metrics.registry.get_sample_value
    assert page("larimar_detector_tolerance_ratio", {**names, "server": "cache"}) == 1.5
    assert page("larimar_detector_tolerance_ratio", {**names, "server": "db"}) is None
