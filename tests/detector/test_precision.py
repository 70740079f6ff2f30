"""What cannot be counted exactly is judged less strictly, and what was lost not at all."""

import numpy as np
import pytest

from detector.model import SeriesKey, Signal
from detector.precision import certainty, doubt
from tests.detector.running import FAULT, MINUTE, START, Run
from tests.detector.servers import FakeAlertmanager, named, only
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
    off = doubt(keys, BY_NAME, {"web": 0.1}).at(np.array([100.0, 0.04, 1e9, 100.0]))
    assert off.tolist() == pytest.approx([10.0, 0.02, 0.0, 0.0])


def test_what_speaks_of_requests_is_taken_from_packets() -> None:
    assert {name for name, signal in BY_NAME.items() if signal.packets} == {
        *("requests", "errors", "latency", "latency_tail", "business_events", "business_value")
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
