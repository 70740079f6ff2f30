"""What people read of an incident: what it is, what changed before it, when it becomes worse."""

from dataclasses import replace
from pathlib import Path

from tests.detector.running import FAULT, MINUTE, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus, only
from tests.detector.world import Fault, World, steady, to


def test_what_changed_shortly_before_is_told_with_the_first_minute_of_it(
    run: Run, world: World, alertmanager: FakeAlertmanager
) -> None:
    world.changes += [
        ("app", "restart", FAULT - 300 * MINUTE),
        ("app", "config", FAULT - 2 * MINUTE),
        ("cache", "image", FAULT - 7 * MINUTE),  # it is called by app
        ("web", "restart", FAULT - MINUTE),  # it is not
    ]
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 15 * MINUTE, to(0.05)))
    run.until(FAULT + 10 * MINUTE)
    episode = only(alertmanager)
    told = [post for post in alertmanager.posted if "changes" in post.annotations]
    assert told[0].at - episode.fired_at <= 1.0
    assert told[0].annotations["changes"] == (
        "cache: another image at 2025-06-15 12:03:00 UTC; app: changed configuration at 2025-06-15 12:08:00 UTC"
    )
    assert told[0].annotations["changes"] in told[-1].annotations["description"]


def test_that_nothing_changed_is_told_too(run: Run, world: World, alertmanager: FakeAlertmanager) -> None:
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 15 * MINUTE, to(0.05)))
    run.until(FAULT + 10 * MINUTE)
    assert "Nothing was seen to change in the 30 min before" in alertmanager.posted[-1].annotations["description"]


def test_changes_that_cannot_be_read_cost_no_alert(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> None:
    prometheus.broken = ("larimar_service_changes_total",)
    world.faults.append(Fault("app", "errors", FAULT, FAULT + 15 * MINUTE, to(0.05)))
    with running(replace(settings(prometheus, folder, alertmanager), resend=5.0), clock) as run:
        run.until(FAULT + 10 * MINUTE)
    assert only(alertmanager).resolved_at is None
    assert sum("larimar_service_changes_total" in query for query in prometheus.asked) <= 10  # once an evaluation
    assert "changes" not in alertmanager.posted[-1].annotations


def test_a_leak_is_told_with_when_it_ends(run: Run, world: World, alertmanager: FakeAlertmanager) -> None:
    world.courses["app"]["memory_exhaustion"] = steady(0.0, 0.0, 1)
    world.exhausted["app"] = FAULT + 150 * MINUTE
    world.faults.append(Fault("app", "memory_exhaustion", FAULT + 25 * MINUTE, FAULT + 90 * MINUTE, to(1.2)))
    run.until(FAULT + 40 * MINUTE)
    told = alertmanager.posted[-1].annotations
    assert told["exhausted_at"] == "2025-06-15 14:40:00 UTC"
    assert "the limit is reached in 1" in told["description"]
    assert "at 2025-06-15 14:40:00 UTC" in told["description"]
