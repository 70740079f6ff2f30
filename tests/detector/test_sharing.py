"""Several detectors on one Prometheus: side by side, after each other, and each with a part of the services."""

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from detector.shard import Shard
from tests.detector.running import FAULT, HOUR, MINUTE, START, FakeClock, killed, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, only
from tests.detector.world import Fault, World, to


def test_two_detectors_say_the_same_and_each_restart_changes_nothing(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    world.faults.append(Fault("web", "latency", FAULT, FAULT + 15 * MINUTE, lambda values: values + 0.3))
    world.stop("cache", FAULT + 30 * MINUTE, FAULT + 40 * MINUTE)
    with running(settings(prometheus, tmp_path / "a", alertmanager), clock) as one:
        one.until(FAULT + HOUR)
    other_clock = FakeClock(START + 17.0)
    with FakeAlertmanager(other_clock.now).serving() as second:
        for end in (FAULT + 4 * MINUTE, FAULT + 12 * MINUTE, FAULT + 35 * MINUTE, FAULT + HOUR):
            with running(settings(prometheus, tmp_path / "b", second), other_clock) as another:
                another.until(end)
            other_clock.at += 90.0  # it takes a while until somebody starts it again
        ours, theirs = alertmanager.episodes(), second.episodes()
    assert len(ours) == 2
    assert [json.dumps(one.labels, sort_keys=True) for one in ours] == [
        json.dumps(one.labels, sort_keys=True) for one in theirs
    ]
    assert [(one.starts_at, one.resolved_at) for one in ours] == [(one.starts_at, one.resolved_at) for one in theirs]
    assert not any(one.expired for one in (*ours, *theirs))


def test_a_killed_detector_leaves_its_alert_to_the_next(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 15 * MINUTE, to(0.05)))
    with ExitStack() as end, running(settings(prometheus, folder, alertmanager), clock) as first:
        first.until(FAULT + 5 * MINUTE)
        end.enter_context(killed(folder))
    clock.at += 100.0
    with running(settings(prometheus, folder, alertmanager), clock) as next_one:
        next_one.until(FAULT + 35 * MINUTE)
    episode = only(alertmanager)
    assert episode.resolved_at is not None
    assert not episode.expired


def test_parts_together_say_what_one_detector_says_of_all(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, tmp_path: Path
) -> None:
    world.faults.append(Fault("web", "latency", FAULT, FAULT + 15 * MINUTE, lambda values: values + 0.3))
    world.stop("cache", FAULT + 30 * MINUTE, FAULT + 40 * MINUTE)
    with running(settings(prometheus, tmp_path / "all", alertmanager), clock) as whole:
        whole.until(FAULT + HOUR)
    told, watched = [], []
    for shard in (Shard(1, 3), Shard(2, 3), Shard(3, 3)):
        part_clock = FakeClock(START)
        with FakeAlertmanager(part_clock.now).serving() as receiver:
            config = replace(settings(prometheus, tmp_path / f"{shard.number}", receiver), shard=shard)
            with running(config, part_clock) as part:
                part.until(FAULT + HOUR)
                watched.append({key.service_name for key in part.app.metrics.snapshot.keys})
            told += receiver.episodes()
    assert watched == [{"app", "cache"}, set(), {"web"}]
    labels = [
        sorted(json.dumps(one.labels, sort_keys=True) for one in some) for some in (alertmanager.episodes(), told)
    ]
    assert labels[0] == labels[1]
    assert len(told) == 2
