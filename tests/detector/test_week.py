"""A week of a whole detector on a fast clock, everything restarted now and then: each incident is told of once."""

import random
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from detector.model import Floats, Seconds
from tests.detector.running import HOUR, MINUTE, START, FakeClock, Run, killed, running, settings
from tests.detector.servers import Episode, FakeAlertmanager, FakePrometheus, Mood
from tests.detector.world import Fault, World, scaled, to

DAY = 24 * HOUR
DAYS = 7
Change = Callable[[Floats], Floats]
KINDS: tuple[tuple[str, str, Change | None], ...] = (
    ("web", "latency", lambda values: values + 0.3),
    ("app", "errors", to(0.05)),
    ("cache", "processes", None),  # it is gone
    ("web", "requests", scaled(0.1)),
    ("app", "latency", lambda values: values + 0.2),
    ("cache", "memory", scaled(3.0)),
)


@dataclass(frozen=True, slots=True)
class Injected:
    """What goes wrong from `start` to `end`."""

    service: str
    start: Seconds
    end: Seconds


def injected(world: World, random_: random.Random) -> list[Injected]:
    """Let something go wrong every eight hours."""
    incidents = []
    for number in range(DAYS * 3):
        service, signal, change = KINDS[number % len(KINDS)]
        start = START + number * 8 * HOUR + random_.randrange(60, 240) * MINUTE
        end = start + random_.randrange(15, 40) * MINUTE
        if change is None:
            world.stop(service, start, end)
        else:
            world.faults.append(Fault(service, signal, start, end, change))
        incidents.append(Injected(service, start, end))
    return incidents


def restarted(world: World, incidents: list[Injected], random_: random.Random) -> list[tuple[Seconds, str]]:
    """When what is restarted, in the midst of incidents and between them."""
    events: list[tuple[Seconds, str]] = []
    for incident in incidents:
        events.append(
            (incident.start + random_.randrange(3, 12) * MINUTE, random_.choice(("kill", "end", "alertmanager")))
        )
        events.append(
            (incident.start - random_.randrange(20, 50) * MINUTE, random_.choice(("prometheus", "kill", "end")))
        )
        events.append((incident.end + random_.randrange(20, 50) * MINUTE, "prometheus"))
    for day in range(DAYS):  # the exporter's host, away for two minutes
        at = START + day * DAY + 7.5 * HOUR
        world.down.append((at, at + 2 * MINUTE))
        world.restarts.append(at + 2 * MINUTE)
    return sorted(events)


def live(run: Run, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, at: Seconds, what: str) -> None:
    """Work until something is restarted, and until it is back."""
    run.until(at)
    if what == "prometheus":
        prometheus.mood = Mood.ERROR
        run.until(at + 4 * MINUTE)
        prometheus.mood = Mood.WELL
    elif what == "alertmanager":
        alertmanager.hang_up = True
        run.until(at + 2 * MINUTE)
        alertmanager.hang_up = False


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_each_incident_of_a_week_is_told_once_and_its_end(
    world: World, prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path
) -> None:
    random_ = random.Random(7)
    incidents = injected(world, random_)
    events = deque([*restarted(world, incidents, random_), (START + DAYS * DAY + 8 * HOUR, "end")])
    while events:
        with ExitStack() as end, running(settings(prometheus, folder, alertmanager), clock) as run:
            what = ""
            while what not in ("kill", "end"):
                at, what = events.popleft()
                live(run, prometheus, alertmanager, at, what)
            if what == "kill":
                end.enter_context(killed(folder))
        clock.at += 30.0  # until somebody starts it again
    episodes = alertmanager.episodes()
    assert [_about(episode, incidents) for episode in episodes] == incidents
    assert all(episode.resolved_at is not None and not episode.expired for episode in episodes)


def _about(episode: Episode, incidents: list[Injected]) -> Injected | str:
    """The incident that an episode tells of."""
    for incident in incidents:
        if episode.labels.get("service_name") == incident.service and incident.start <= episode.fired_at < incident.end:
            return incident
    return f"{episode.labels} at {(episode.fired_at - START) / HOUR:.2f} h"
