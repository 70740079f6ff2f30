"""What cannot be counted exactly is judged less strictly, and what was lost not at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.coverage.precision import certainty, doubt, looked_at
from detector.model import SeriesKey, Signal
from tests.detector.running import FAULT, HOUR, MINUTE, START, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, named, only
from tests.detector.world import SIGNALS, Fault, World, scaled, to

BY_NAME: dict[str, Signal] = {signal.name: signal for signal in SIGNALS}


def test_a_services_error_is_that_of_its_places_on_average() -> None:
    found = certainty({"web": "ab", "db": "b", "idle": ""}, {"a": 0.3}, {"b": 0.04})
    assert found.errors == {"web": pytest.approx(np.hypot(0.15, 0.02)), "db": pytest.approx(0.04)}
    assert found.lossy == frozenset()


def test_a_service_that_lost_more_than_a_twentieth_is_lossy() -> None:
    assert certainty({"web": "ab", "db": "b"}, {}, {"b": 0.06}).lossy == {"db"}


def test_only_what_is_taken_from_packets_is_in_doubt() -> None:
    keys = [SeriesKey("web", name) for name in ("requests", "errors", "memory")] + [SeriesKey("db", "requests")]
    values = np.array([100.0, 0.04, 1e9, 100.0])
    off = doubt(keys, BY_NAME, {"web": 0.1}).at(values)
    assert off.tolist() == pytest.approx([10.0, 0.02, 0.0, 0.0])


def test_a_share_of_counted_events_is_off_by_chance_alone_and_once() -> None:
    keys = [SeriesKey("web", "errors"), SeriesKey("db", "errors")]
    share, counts, error = 0.04, np.array([1000.0, np.nan]), 0.1
    known = looked_at(counts, keys, BY_NAME, {"web": error, "db": error})
    off = doubt(keys, BY_NAME, {"web": error, "db": error}, known).at(np.full(2, share))
    assert known[0] == pytest.approx(1 / (1 / 1000 + error**2))  # 91 of the 1000 were looked at
    assert off.tolist() == pytest.approx([0.0, error * np.sqrt(share)])


def test_one_failed_request_that_stands_for_many_is_no_fault_of_a_service_that_never_failed(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    world.courses["app"]["errors"] = np.zeros_like
    world.courses["app"]["requests"] = np.ones_like
    world.sampled.append((START, FAULT + HOUR, 0.35))  # 8 of the 120 of a window were looked at
    for turn in range(3):
        at = FAULT + turn * 7 * MINUTE
        world.faults.append(Fault("app", "errors", at, at + 2 * MINUTE, to(1 / 8)))
    config = replace(settings(prometheus, tmp_path, alertmanager), history=48 * HOUR)
    with running(config, clock) as run:
        run.until(FAULT + 20 * MINUTE)
    assert alertmanager.posted == []


def test_what_speaks_of_requests_is_taken_from_packets() -> None:
    assert {name for name, signal in BY_NAME.items() if signal.packets} == {
        *("requests", "errors", "latency", "latency_tail", "latency_typical", "business_events", "business_value"),
        *("inferred_requests", "inferred_latency", "cache_hits", "retransmits", "calls", "call_errors", "call_latency"),
        *("new_dependencies", "new_errors", "fingerprint"),
    }


def test_a_change_within_the_error_of_sampling_is_nothing(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.sampled.append((FAULT - 5 * MINUTE, FAULT + 30 * MINUTE, 0.3))
    world.faults.append(Fault("web", "requests", FAULT, FAULT + 15 * MINUTE, scaled(0.6)))
    run.until(FAULT + 30 * MINUTE)
    assert alertmanager.posted == []


def test_the_same_change_counted_exactly_is_told(run: Run, world: World, alertmanager: FakeAlertmanager) -> None:
    world.faults.append(Fault("web", "requests", FAULT, FAULT + 15 * MINUTE, scaled(0.6)))
    run.until(FAULT + 15 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "web", "requests")]


def test_a_clear_fault_is_told_though_the_capture_is_sampled(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.sampled.append((START, FAULT + 30 * MINUTE, 0.1))
    world.faults.append(Fault("app", "latency", FAULT, FAULT + 15 * MINUTE, lambda values: values + 0.3))
    run.until(FAULT + 15 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "app", "latency")]


def test_of_lost_packets_nothing_is_made_but_of_processes(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.lost.append((FAULT, FAULT + 20 * MINUTE, 0.3))
    for service in ("web", "app", "cache"):
        world.faults.append(Fault(service, "requests", FAULT, FAULT + 20 * MINUTE, to(0.0)))
        world.faults.append(Fault(service, "latency", FAULT, FAULT + 20 * MINUTE, scaled(10.0)))
    world.faults.append(Fault("cache", "processes", FAULT, FAULT + 15 * MINUTE, to(0.0)))
    run.until(FAULT + 15 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceSilent", "cache", "processes")]
    withheld = run.app.metrics.suppressed.labels("coverage")._value.get()  # the client library offers no other way
    assert withheld > 0


def test_an_incident_outlives_half_an_hour_of_lost_packets_and_ends_after_it(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 70 * MINUTE, to(0.05)))
    world.lost.append((FAULT + 10 * MINUTE, FAULT + 60 * MINUTE, 0.3))
    run.until(FAULT + 69 * MINUTE)
    assert only(alertmanager).resolved_at is None
    run.until(FAULT + 100 * MINUTE)
    episode = only(alertmanager)
    assert episode.resolved_at is not None
    assert episode.resolved_at > FAULT + 70 * MINUTE
    assert not episode.expired


@pytest.mark.long
def test_an_incident_outlives_a_signal_that_cannot_be_read_for_long(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 2 * HOUR, to(0.05)))
    run.until(FAULT + 10 * MINUTE)
    prometheus.broken = ("larimar_request_errors_total",)
    run.until(FAULT + 60 * MINUTE)
    prometheus.broken = ()
    run.until(FAULT + 70 * MINUTE)
    assert only(alertmanager).resolved_at is None
