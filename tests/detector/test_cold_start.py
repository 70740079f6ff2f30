"""A stack that has just been set up: the first hour is already of use, and alerts nobody of nothing."""

from pathlib import Path

import numpy as np
import pytest

from detector.baselines.prior import LEAST_SAMPLES
from tests.detector.running import HOUR, MINUTE, START, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, named, only
from tests.detector.world import Fault, World, to


def unjudged(run: Run) -> set[str]:
    """The signals that were observed at the newest evaluation without any verdict."""
    snapshot = run.app.metrics.snapshot
    if snapshot.scores is None:
        return set()
    without = np.isfinite(snapshot.scores.observed) & np.isnan(snapshot.scores.score)
    return {snapshot.keys[row].signal for row in np.flatnonzero(without)}


def test_a_fresh_stack_judges_as_soon_as_it_has_seen_a_little_and_from_then_on(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    world.born = START
    silent = []
    with running(settings(prometheus, tmp_path, alertmanager), clock) as run:
        for minute in range(LEAST_SAMPLES + 2, 70):
            run.until(START + minute * MINUTE)
            if unjudged(run):
                silent.append(minute)
    assert silent == []
    assert alertmanager.posted == []


@pytest.mark.parametrize(
    "minute", [pytest.param(25, marks=pytest.mark.long), 35, pytest.param(64, marks=pytest.mark.long)]
)
def test_a_fault_in_the_first_hour_is_told(
    world: World,
    prometheus: FakePrometheus,
    alertmanager: FakeAlertmanager,
    clock: FakeClock,
    tmp_path: Path,
    minute: int,
) -> None:
    world.born = START
    begin = START + minute * MINUTE
    world.faults.append(Fault("app", "errors", begin, begin + 10 * MINUTE, to(0.2)))
    with running(settings(prometheus, tmp_path, alertmanager), clock) as run:
        run.until(begin + 10 * MINUTE)
    episode = only(alertmanager)
    assert named([episode]) == [("LarimarServiceAnomaly", "app", "errors")]
    assert episode.fired_at <= begin + 7 * MINUTE


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hour", [0, 10])
def test_the_first_two_days_alert_nobody(world: World, prometheus: FakePrometheus, tmp_path: Path, hour: int) -> None:
    clock = FakeClock(START + hour * HOUR)
    world.born = clock.at
    with FakeAlertmanager(clock.now).serving() as receiver:
        with running(settings(prometheus, tmp_path, receiver), clock) as run:
            run.until(clock.at + 48 * HOUR)
        assert named(receiver.episodes()) == []
