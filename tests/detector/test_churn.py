"""Series that come and go by thousands: there is room for those that are there, and what is usual is not forgotten."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from detector.baselines import join
from detector.coverage.presence import lasting
from detector.coverage.sight import Look, Target
from detector.incidents.lifecycle import Rules
from detector.learning.fitting import fit, prior
from detector.model import History, SeriesKey
from detector.pull import Observations
from detector.watch import Knowledge, Step, Terms, refitted, step
from tests.detector.world import DAY, SIGNALS

HOME = Target("larimar", "host-a:10177")
NOW = 1_750_000_020.0
MINUTE, HOUR = 60.0, 3600.0
RULES = Rules(interval=MINUTE, recovery=2 * MINUTE, wait=3 * MINUTE)
NAMED = {signal.name: signal for signal in SIGNALS}
NEW_EACH_MINUTE = 8
LIFE_MINUTES = 20
STABLE = tuple(f"stable-{number}" for number in range(10))


def terms(limit: int, interval: float = MINUTE) -> Terms:
    return Terms(NAMED, replace(RULES, interval=interval), interval, 2 * interval, limit, 3.0)


def seen(at: float, services: Iterable[str], sighted: bool = True) -> Observations:
    """What Prometheus says of services with five requests a second, give or take a few per cent."""
    keys = tuple(sorted(SeriesKey(name, "requests") for name in services))
    noise = np.sin(np.arange(len(keys)) + at)
    targets = frozenset({HOME})
    look = Look({key.service_name: targets for key in keys}, targets if sighted else frozenset(), targets, {})
    return Observations(History(keys, at, MINUTE, 5 + 0.2 * noise[:, None]), (look,), {}, ())


def alive(minute: int) -> Iterator[str]:
    yield from STABLE
    for born in range(max(0, minute - LIFE_MINUTES), minute):
        yield from (f"job-{born}-{number}" for number in range(NEW_EACH_MINUTE))


@pytest.mark.parametrize("limit", [1_000, 200], ids=["forgotten in time", "at the limit"])
def test_services_that_come_and_go_leave_room_and_alert_nobody(limit: int) -> None:
    knowledge, most = learnt(3.0, *STABLE), 0
    for minute in range(150):
        done = step(knowledge, seen(NOW + minute * MINUTE, alive(minute)), 0, terms(limit))
        knowledge, most = done.knowledge, max(most, len(done.keys))
        assert done.skipped == 0, minute
        assert not knowledge.book.active(), minute
    known = {key.service_name for key in done.keys}
    assert known >= set(alive(minute))
    # Those that are there, and for an hour those that left.
    assert most <= min(limit, len(STABLE) + (LIFE_MINUTES + 60 + 2) * NEW_EACH_MINUTE)
    assert len(knowledge.sight.homes) <= most + NEW_EACH_MINUTE


def learnt(days: float, *services: str) -> Knowledge:
    """Of services that were watched for so long."""
    columns = int(days * 288)
    noise = np.sin(np.arange(len(services) * columns)).reshape(len(services), columns)
    keys = tuple(SeriesKey(name, "requests") for name in services)
    history = History(keys, NOW - columns * 300.0, 300.0, 5 + 0.2 * noise)
    return refitted(Knowledge(), fit(history, SIGNALS, MINUTE))


def absent(knowledge: Knowledge, minutes: int, sighted: bool = True) -> Step:
    """The service is gone after one more look, those known for long are not, and another comes each hour."""
    knowledge = step(knowledge, seen(NOW - MINUTE, [*STABLE, "old"]), 0, terms(1_000)).knowledge
    for minute in range(minutes):
        others = (*STABLE, *(f"new-{hour}" for hour in range(minute // 60 + 1)))
        done = step(knowledge, seen(NOW + minute * MINUTE, others, sighted), 0, terms(1_000))
        knowledge = done.knowledge
    return done


@pytest.mark.parametrize(
    ("days", "minutes", "sighted", "kept"),
    [(1.0, 4 * 60, True, True), (0.1, 4 * 60, True, False), (0.1, 4 * 60, False, True), (0.01, 50, True, True)],
    ids=["known for a day", "known for two hours", "out of sight", "gone for less than an hour"],
)
def test_what_was_there_is_remembered_for_as_long(days: float, minutes: int, sighted: bool, kept: bool) -> None:
    knowledge = learnt(14.0, *STABLE)
    assert knowledge.baselines is not None
    young = learnt(days, "old").baselines
    assert young is not None
    knowledge = refitted(Knowledge(), join((knowledge.baselines, young)))
    keys = absent(knowledge, minutes, sighted).keys
    assert (SeriesKey("old", "requests") in keys) == kept


def test_what_turned_up_during_a_fit_stays_as_it_was() -> None:
    before = learnt(1.0, "old")
    for minute in range(30):
        before = step(before, seen(NOW + minute * MINUTE, ["old", "new"]), 0, terms(10)).knowledge
    after = refitted(before, learnt(2.0, "old").baselines)
    assert before.state is not None
    assert after.state is not None
    assert [key.service_name for key in after.state.keys] == ["old", "new"]
    assert after.state.memory.seen.tolist() == [30, 30]
    assert after.state.memory.level[0] == 0.0
    assert after.state.memory.level[1] == before.state.memory.level[1] != 0.0


def test_a_fit_learns_nothing_of_what_is_long_over() -> None:
    columns = 21 * 24
    values = np.full((4, columns), np.nan)
    values[0] = 1.0  # always there
    values[1, 100:110] = 1.0  # once
    values[2, [5, 173, 341]] = 1.0  # weekly, next due in five hours
    values[3, -1] = 1.0  # just begun
    keys = tuple(SeriesKey(name, "requests") for name in ("always", "once", "weekly", "young"))
    history = History(keys, NOW, HOUR, values, values > 0, values)
    kept = lasting(history)
    assert [key.service_name for key in kept.keys] == ["always", "weekly", "young"]
    assert kept.unlearnt is not None
    assert kept.counts is not None
    for array in (kept.values, kept.counts):
        assert np.array_equal(array, values[[0, 2, 3]], equal_nan=True)
    assert lasting(replace(history, keys=(), values=values[:0], unlearnt=None, counts=None)).keys == ()


def test_a_prior_has_no_span() -> None:
    assert prior((SeriesKey("a", "requests"),), SIGNALS, MINUTE).span.tolist() == [0.0]
    assert fit(seen(NOW, ["a"]).history, SIGNALS, MINUTE).span.tolist() == [0.0]
    days = learnt(3.0, "old").baselines
    assert days is not None
    assert days.span.tolist() == [pytest.approx(3 * DAY - 300.0)]


def test_a_new_service_is_taken_for_one_of_its_class_as_soon_as_that_is_told() -> None:
    knowledge = step(learnt(3.0, *STABLE), seen(NOW, [*STABLE, "new"]), 0, terms(1_000)).knowledge
    row = [key.service_name for key in keys_of(knowledge)].index("new")
    spreads = []
    for minute, classes in ((1, None), (2, dict.fromkeys([*STABLE, "new"], "web")), (3, None)):
        told = replace(seen(NOW + minute * MINUTE, [*STABLE, "new"]), classes=classes)
        knowledge = step(knowledge, told, 0, terms(1_000)).knowledge
        assert knowledge.baselines is not None
        spreads.append(float(knowledge.baselines.spread[row, 0]))
    assert spreads[2] == spreads[1] != spreads[0]


def keys_of(knowledge: Knowledge) -> tuple[SeriesKey, ...]:
    assert knowledge.baselines is not None
    return knowledge.baselines.keys
