"""What Prometheus and Alertmanager may do to a detector: it neither breaks, nor invents an alert, nor loses one."""

from collections.abc import Callable

import numpy as np
import pytest

from detector.model import Floats
from tests.detector.running import FAULT, HOUR, MINUTE, START, FakeClock, Run
from tests.detector.servers import FakeAlertmanager, FakePrometheus, Mood, named, only
from tests.detector.world import Fault, World, steady, to, vanished

ERRORS = ("LarimarServiceAnomaly", "app", "errors")
DAY = 24 * HOUR


def of_services(alertmanager: FakeAlertmanager) -> list[tuple[str, str, str]]:
    """The alerts but those of lost sight."""
    return [one for one in named(alertmanager.episodes()) if one[0] != "LarimarBlind"]


@pytest.mark.parametrize(
    "number", [np.inf, pytest.param(-np.inf, marks=pytest.mark.long), pytest.param(1e300, marks=pytest.mark.long)]
)
def test_samples_that_are_no_numbers_are_neither_silence_nor_a_fault(
    run: Run, world: World, alertmanager: FakeAlertmanager, number: float
) -> None:
    for service in ("web", "app", "cache"):
        for signal in world.courses[service]:
            world.faults.append(Fault(service, signal, FAULT, FAULT + 12 * MINUTE, strange(number)))
    run.until(FAULT + 20 * MINUTE)
    assert alertmanager.posted == []


def strange(number: float) -> Callable[[Floats], Floats]:
    return lambda values: np.full_like(values, number)


@pytest.mark.long
@pytest.mark.parametrize("mood", [Mood.TRUNCATED, Mood.HTML, Mood.FLOOD, Mood.TWICE, Mood.UNORDERED, Mood.PARTIAL])
def test_an_answer_that_is_bad_now_and_then_costs_nothing(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, mood: Mood
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 12 * MINUTE, to(0.05)))
    for minute in range(0, 30, 2):
        prometheus.mood = mood
        run.until(START + minute * MINUTE + 50)
        prometheus.mood = Mood.WELL
        run.until(START + (minute + 2) * MINUTE)
    episode = only(alertmanager)
    assert named([episode]) == [ERRORS]
    assert episode.resolved_at is not None
    assert not episode.expired


@pytest.mark.parametrize(
    "ahead",
    [pytest.param(2 * HOUR, marks=pytest.mark.long), 3 * DAY, pytest.param(20 * 365 * DAY, marks=pytest.mark.long)],
)
def test_a_detectors_clock_that_goes_ahead_makes_nobody_silent_and_ends_no_alert(
    run: Run, world: World, clock: FakeClock, alertmanager: FakeAlertmanager, ahead: float
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + HOUR, to(0.05)))
    run.until(FAULT + 10 * MINUTE)
    world.newest = FAULT + 20 * MINUTE  # Prometheus goes by the right time
    clock.at += ahead
    run.until(clock.at + 10 * MINUTE)
    firing = [post for post in alertmanager.posted if post.at > FAULT + ahead and "service_name" in post.labels]
    assert {(post.labels["service_name"], post.ends_at > post.at) for post in firing} == {("app", True)}
    world.newest = np.inf
    clock.at -= ahead
    run.until(FAULT + HOUR + 20 * MINUTE)
    assert set(of_services(alertmanager)) == {ERRORS}
    assert alertmanager.episodes()[-1].resolved_at is not None


@pytest.mark.long
@pytest.mark.parametrize("away", [3 * HOUR, 3 * DAY])
def test_a_machine_that_slept_goes_on_with_its_alerts(
    run: Run, world: World, clock: FakeClock, alertmanager: FakeAlertmanager, away: float
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + away + HOUR, to(0.05)))
    run.until(FAULT + 10 * MINUTE)
    world.down.append((clock.at, clock.at + away))
    clock.at += away
    run.until(clock.at + 20 * MINUTE)
    assert set(of_services(alertmanager)) == {ERRORS}
    last = alertmanager.posted[-1]
    assert last.starts_at == alertmanager.posted[0].starts_at
    assert last.ends_at > last.at


@pytest.mark.long
@pytest.mark.parametrize("after", [90 * MINUTE, 25 * HOUR])
def test_a_host_taken_out_of_prometheus_makes_nobody_silent(
    run: Run, world: World, clock: FakeClock, alertmanager: FakeAlertmanager, after: float
) -> None:
    world.faults.append(Fault("app", "errors", START, FAULT + 50 * HOUR, to(0.05)))
    run.until(FAULT)
    world.removed = FAULT
    run.until(FAULT + 80 * MINUTE)
    clock.at = max(clock.at, FAULT + after - 10 * MINUTE)  # hours in which nothing happens
    run.until(FAULT + after + 50 * MINUTE)
    assert set(of_services(alertmanager)) == {ERRORS}
    assert alertmanager.episodes()[0].resolved_at is not None  # there is nothing of it any more


@pytest.mark.long
def test_an_exporter_away_for_days_makes_nobody_silent(
    run: Run, world: World, clock: FakeClock, alertmanager: FakeAlertmanager
) -> None:
    run.until(FAULT)
    world.down.append((FAULT, FAULT + 60 * HOUR))
    for hour in range(1, 30, 4):
        run.until(FAULT + hour * HOUR)
        clock.at += 3.8 * HOUR
    assert of_services(alertmanager) == []


@pytest.mark.long
def test_services_that_come_and_go_alert_nobody(run: Run, world: World, alertmanager: FakeAlertmanager) -> None:
    """Jobs, each under a name of its own, that live for some minutes up to an hour and are gone for good."""
    for number in range(120):
        begin = START + number * MINUTE
        end = begin + (5 + 11 * number % 55) * MINUTE
        name = f"job-{number}"
        world.courses[name] = {
            "requests": steady(20.0, 0.1, number),
            "latency": steady(0.01, 0.1, number + 1),
            "processes": np.ones_like,
        }
        for signal in world.courses[name]:
            world.faults += [
                Fault(name, signal, START - 30 * DAY, begin, vanished),
                Fault(name, signal, end, START + DAY, vanished),
            ]
    run.until(START + 3 * HOUR)
    assert alertmanager.posted == []


def test_an_alert_that_alertmanager_refuses_does_not_cost_the_others(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    alertmanager.refuse = lambda labels: labels["service_name"] == "web"
    for service in ("web", "cache"):
        world.faults.append(Fault(service, "errors", FAULT, FAULT + 15 * MINUTE, to(0.05)))
    world.callees = {}
    run.until(FAULT + 40 * MINUTE)
    episode = only(alertmanager)
    assert named([episode]) == [("LarimarServiceAnomaly", "cache", "errors")]
    assert episode.resolved_at is not None
    assert not episode.expired
    (tally,) = run.app.notifier.tallies().values()
    assert tally.failed > 0
    assert tally.failing == 0
