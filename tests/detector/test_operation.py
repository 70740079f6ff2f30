"""Hours of a whole detector on a fake clock, against real HTTP servers that play Prometheus and Alertmanager."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.detector.running import FAULT, HOUR, MINUTE, START, AtOnce, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, Mood, named, only
from tests.detector.world import Fault, World, scaled, to


def test_hours_without_a_fault_lead_to_no_alert(run: Run, alertmanager: FakeAlertmanager) -> None:
    run.until(START + 90 * MINUTE)
    assert alertmanager.posted == []
    assert run.app.detector.not_ready(run.clock.now()) == []


def test_errors_are_told_within_five_evaluations_and_resolved(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 10 * MINUTE, to(0.05)))
    run.until(FAULT + 35 * MINUTE)
    episode = only(alertmanager)
    assert named([episode]) == [("LarimarServiceAnomaly", "app", "errors")]
    assert episode.fired_at <= FAULT + 5 * MINUTE
    assert episode.annotations["observed"] == "5 %"
    assert float(episode.annotations["expected"].removesuffix(" %")) == pytest.approx(0.1, rel=0.05)
    assert episode.resolved_at is not None
    assert not episode.expired
    assert FAULT + 10 * MINUTE < episode.resolved_at <= FAULT + 20 * MINUTE


def test_a_stopped_service_and_those_who_need_it_are_one_alert(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.stop("cache", FAULT, FAULT + 15 * MINUTE)
    for caller in ("app", "web"):
        world.faults.append(Fault(caller, "errors", FAULT, FAULT + 15 * MINUTE, to(0.3)))
    run.until(FAULT + 35 * MINUTE)
    episode = only(alertmanager)
    assert named([episode]) == [("LarimarServiceSilent", "cache", "processes")]
    assert any("app errors 30 %" in posted.annotations["contributors"] for posted in alertmanager.posted)
    assert episode.resolved_at is not None


def test_a_slow_callee_is_named_though_its_caller_is_noticed_with_it(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    for service in ("cache", "app", "web"):
        world.faults.append(Fault(service, "latency", FAULT, FAULT + 10 * MINUTE, lambda values: values + 0.3))
    run.until(FAULT + 40 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "cache", "latency")]


def test_load_that_stays_away_is_told_of_whom_it_first_misses(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    for service in ("web", "app", "cache"):
        world.faults.append(Fault(service, "requests", FAULT, FAULT + 10 * MINUTE, scaled(0.1)))
    run.until(FAULT + 30 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "web", "requests")]


def test_firing_alerts_are_sent_again_each_minute_and_their_end_for_a_quarter_of_an_hour(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 6 * MINUTE, to(0.05)))
    run.until(FAULT + 35 * MINUTE)
    firing = [post for post in alertmanager.posted if post.ends_at > post.at]
    ended = [post for post in alertmanager.posted if post.ends_at <= post.at]
    gaps = [after.at - before.at for before, after in pairwise(firing)]
    assert max(gaps) <= MINUTE
    assert {post.ends_at - post.at for post in firing} == {4 * MINUTE}
    assert len({post.starts_at for post in alertmanager.posted}) == 1
    assert 14 * MINUTE <= ended[-1].at - ended[0].at <= 16 * MINUTE
    assert len({post.ends_at for post in ended}) == 1


@pytest.mark.parametrize(
    "mood",
    [
        Mood.ERROR,
        Mood.BAD_QUERY,
        Mood.CUT,
        Mood.NONSENSE,
        Mood.LIST,
        Mood.TWICE,
        Mood.UNORDERED,
        Mood.PARTIAL,
        Mood.HANG_UP,
    ],
)
def test_a_firing_alert_outlives_a_prometheus_that_answers_badly(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, mood: Mood
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 2 * HOUR, to(0.05)))
    run.until(FAULT + 4 * MINUTE)
    prometheus.mood = mood
    run.until(FAULT + 10 * MINUTE)
    assert any("Prometheus" in reason for reason in run.app.detector.not_ready(run.clock.now()))
    prometheus.mood = Mood.WELL
    run.until(FAULT + 15 * MINUTE)
    assert run.app.detector.not_ready(run.clock.now()) == []
    errors, blind = alertmanager.episodes()
    assert named([errors, blind]) == [("LarimarServiceAnomaly", "app", "errors"), ("LarimarBlind", "", "prometheus")]
    assert errors.resolved_at is None
    assert blind.resolved_at is not None
    assert not blind.expired


def test_a_fault_that_ended_while_prometheus_was_away_is_resolved_after(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 10 * MINUTE, to(0.05)))
    run.until(FAULT + 5 * MINUTE)
    prometheus.mood = Mood.ERROR
    run.until(FAULT + 8 * MINUTE)
    prometheus.mood = Mood.WELL
    run.until(FAULT + 40 * MINUTE)
    episode = only(alertmanager)
    assert episode.resolved_at is not None
    assert not episode.expired


def test_a_detector_that_starts_before_prometheus_learns_when_it_is_there(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    prometheus.mood = Mood.HANG_UP
    with running(settings(prometheus, tmp_path, alertmanager), clock) as run:
        run.until(START + 3 * MINUTE)
        assert not (tmp_path / "baselines.npz").exists()
        prometheus.mood = Mood.WELL
        world.faults.append(Fault("app", "errors", FAULT, FAULT + 10 * MINUTE, to(0.05)))
        run.until(FAULT + 30 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "app", "errors")]


def test_one_signal_that_cannot_be_read_does_not_blind_the_others(
    run: Run, world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager
) -> None:
    run.until(START + 10 * MINUTE)
    prometheus.broken = ("larimar_service_processes",)
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 10 * MINUTE, to(0.05)))
    run.until(FAULT + 30 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "app", "errors")]


def test_a_lost_exporter_is_lost_sight_and_no_silence(run: Run, world: World, alertmanager: FakeAlertmanager) -> None:
    world.down.append((FAULT, FAULT + 20 * MINUTE))
    world.restarts.append(FAULT + 20 * MINUTE)
    run.until(FAULT + 35 * MINUTE)
    episode = only(alertmanager)
    assert named([episode]) == [("LarimarBlind", "host-a:10177", "exporter")]
    assert FAULT + 4 * MINUTE <= episode.fired_at <= FAULT + 7 * MINUTE  # last seen a minute before the fault
    assert episode.resolved_at is not None
    assert FAULT + 20 * MINUTE < episode.resolved_at <= FAULT + 25 * MINUTE


def test_short_gaps_and_restarts_of_the_exporter_are_nothing(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.down += [(FAULT, FAULT + 20), (FAULT + 600, FAULT + 690)]
    world.restarts += [FAULT + 20, FAULT + 690, FAULT + 1200]
    for restart in world.restarts:
        for signal in ("requests", "cpu"):  # the counters began again: rates over the restart are too low
            world.faults.append(Fault("web", signal, restart, restart + 110, scaled(0.3)))
    run.until(FAULT + 30 * MINUTE)
    assert alertmanager.posted == []


@pytest.mark.parametrize("name", ["incidents.json", "baselines.npz", "memory.npz"])
@pytest.mark.parametrize("content", [b"", b"{", b"PK\x03\x04garbage", b'{"version": 1}'])
def test_damaged_state_is_set_aside_and_found_anew(
    world: World,
    prometheus: FakePrometheus,
    alertmanager: FakeAlertmanager,
    clock: FakeClock,
    folder: Path,
    name: str,
    content: bytes,
) -> None:
    with running(settings(prometheus, folder, alertmanager), clock) as first:
        first.until(START + 2 * MINUTE)
    (folder / name).write_bytes(content)
    world.faults.append(Fault("app", "errors", START + 5 * MINUTE, START + HOUR, to(0.05)))
    with running(settings(prometheus, folder, alertmanager), clock) as second:
        second.until(START + 10 * MINUTE)
    aside = "other" if (name, content) == ("incidents.json", b'{"version": 1}') else "damaged"
    assert (folder / f"{name}.{aside}").read_bytes() == content
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "app", "errors")]


def test_an_alertmanager_that_is_away_is_told_when_it_is_back(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + HOUR, to(0.05)))
    alertmanager.status = 503
    run.until(FAULT + 6 * MINUTE)
    assert any("Alertmanager" in reason for reason in run.app.detector.not_ready(run.clock.now()))
    alertmanager.status = 200
    run.until(FAULT + 12 * MINUTE)
    assert only(alertmanager).resolved_at is None


def test_a_clock_that_goes_back_does_not_stop_the_detector(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    run.until(START + 30 * MINUTE)
    run.clock.at = START + 5 * MINUTE
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 10 * MINUTE, to(0.05)))
    run.until(FAULT + 25 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarServiceAnomaly", "app", "errors")]


def test_a_clock_that_goes_back_loses_no_alert(
    run: Run, world: World, clock: FakeClock, alertmanager: FakeAlertmanager
) -> None:
    begin = START - HOUR
    world.faults.append(Fault("app", "errors", begin, FAULT, to(0.05)))
    run.until(START + 5 * MINUTE)
    before = len(alertmanager.posted)
    clock.at = begin + 5 * MINUTE
    run.until(begin + 15 * MINUTE)
    again = alertmanager.posted[before:]
    assert max(after.at - post.at for post, after in pairwise(again)) <= MINUTE
    assert all(post.ends_at > post.at for post in again)
    assert again[-1].at >= begin + 14 * MINUTE


def test_a_target_lost_after_the_clock_went_back_is_not_taken_for_silence(
    run: Run, world: World, clock: FakeClock, alertmanager: FakeAlertmanager
) -> None:
    run.until(START + 5 * MINUTE)
    clock.at = START - HOUR
    world.down.append((START - 70 * MINUTE, START - 20 * MINUTE))
    run.until(START - 45 * MINUTE)
    assert named([only(alertmanager)]) == [("LarimarBlind", "host-a:10177", "exporter")]


def test_prometheus_is_told_how_long_a_query_may_take(
    prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    config = replace(settings(prometheus, tmp_path, alertmanager), interval=10.0, prometheus_timeout=30.0, history=7200)
    with running(config, clock) as run:
        run.until(START + 30)
    assert {seconds for _, seconds in prometheus.timeouts} == {"30000ms"}


class Slow(AtOnce):
    """Does a few things at a time, each of which takes so many seconds of the clock."""

    def __init__(self, clock: FakeClock, seconds: float, at_once: int = 4) -> None:
        self.seconds = 0.0
        self._slow = seconds
        self._clock = clock
        self._free = [0.0] * at_once
        self._waiting: list[tuple[float, Future[Any], Callable[[], Future[Any]]]] = []

    def begin(self) -> None:
        """Be slow from now on."""
        self.seconds = self._slow

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self.seconds:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        begin = max(self._clock.now(), min(self._free))
        self._free[self._free.index(min(self._free))] = begin + self.seconds
        self._waiting.append((begin + self.seconds, future, lambda: AtOnce.submit(self, fn, *args, **kwargs)))
        return future

    def look(self) -> None:
        """End what is over by now."""
        over = [one for one in self._waiting if one[0] <= self._clock.now()]
        self._waiting = [one for one in self._waiting if one[0] > self._clock.now()]
        for _, future, work in over:
            future.set_result(work().result())


@pytest.fixture
def slow(
    prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> Iterator[tuple[Run, Slow]]:
    """A detector whose Prometheus will need half a minute for each answer: some six minutes for an evaluation."""
    queries = Slow(clock, 30.0)
    with running(settings(prometheus, folder, alertmanager), clock, queries) as run:
        settled = clock.settled

        def arrive() -> None:
            settled()
            queries.look()

        clock.settled = arrive
        yield run, queries


def test_a_firing_alert_outlives_a_prometheus_that_answers_slowly(
    slow: tuple[Run, Slow], world: World, alertmanager: FakeAlertmanager
) -> None:
    run, queries = slow
    world.faults.append(Fault("app", "errors", FAULT, FAULT + HOUR, to(0.05)))
    run.until(FAULT + 5 * MINUTE)
    queries.begin()
    run.until(FAULT + HOUR)
    assert only(alertmanager).resolved_at is None
    firing = [post.at for post in alertmanager.posted]
    assert max(after - before for before, after in pairwise(firing)) <= MINUTE + 1
    run.until(FAULT + HOUR + 20 * MINUTE)
    episode = only(alertmanager)
    assert episode.resolved_at is not None
    assert not episode.expired


def test_a_prometheus_that_answers_slowly_hides_no_fault_and_makes_none(
    slow: tuple[Run, Slow], world: World, alertmanager: FakeAlertmanager
) -> None:
    run, queries = slow
    queries.begin()
    world.faults.append(Fault("app", "errors", FAULT + 20 * MINUTE, FAULT + HOUR, to(0.05)))
    run.until(FAULT + HOUR)
    episode = only(alertmanager)
    assert named([episode]) == [("LarimarServiceAnomaly", "app", "errors")]
    assert FAULT + 20 * MINUTE < episode.fired_at <= FAULT + 36 * MINUTE


class BrokenAtTimes(AtOnce):
    """Refuses work while `broken`, as a machine without memory or threads does."""

    broken = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.broken:
            raise RuntimeError("can't start new thread")
        return super().submit(fn, *args, **kwargs)


def test_evaluations_that_break_end_no_alert(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + HOUR, to(0.05)))
    queries = BrokenAtTimes()
    with running(settings(prometheus, folder, alertmanager), clock, queries) as run:
        run.until(FAULT + 5 * MINUTE)
        queries.broken = True
        run.until(FAULT + 15 * MINUTE)
    assert only(alertmanager).resolved_at is None
    assert alertmanager.posted[-1].at >= FAULT + 14 * MINUTE
    assert alertmanager.posted[-1].ends_at > alertmanager.posted[-1].at


def test_a_lasting_fault_is_not_learnt_as_usual(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    world.born = START - 30 * MINUTE  # so little is known that an hour of fault would soon be half of it
    world.faults.append(Fault("app", "latency", FAULT, FAULT + 70 * MINUTE, scaled(20.0)))
    config = replace(settings(prometheus, tmp_path, alertmanager), refit=600.0, history=6 * HOUR, step=60.0)
    with running(config, clock) as first:
        first.until(FAULT + 30 * MINUTE)
    with running(config, clock) as second:
        second.until(FAULT + 90 * MINUTE)
    episode = only(alertmanager)
    assert episode.resolved_at is not None
    assert episode.resolved_at > FAULT + 70 * MINUTE
    expected = alertmanager.posted[-1].annotations["expected"]
    assert float(expected.removesuffix(" ms")) == pytest.approx(12.0, rel=0.05)


def test_a_flapping_service_does_not_notify_each_time(run: Run, world: World, alertmanager: FakeAlertmanager) -> None:
    for turn in range(6):
        begin = FAULT + turn * 12 * MINUTE
        world.faults.append(Fault("app", "errors", begin, begin + 5 * MINUTE, to(0.05)))
    run.until(FAULT + 100 * MINUTE)
    episodes = alertmanager.episodes()
    assert 1 <= len(episodes) <= 4, named(episodes)
    assert episodes[-1].resolved_at is not None
