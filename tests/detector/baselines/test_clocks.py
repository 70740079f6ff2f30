from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from detector.baselines.clocks import ALLOWED_SECONDS, UNCERTAIN_SECONDS, changes, moved, moved_back, shifts, unsettled
from detector.baselines.days import read_days
from detector.baselines.grid import DAY, SLOT_SECONDS, SLOTS, WEEK
from detector.evaluation import empty_state, evaluate
from detector.learning.fitting import fit
from detector.model import Floats, History
from tests.detector.worlds import SIGNALS, World

HOUR = 3600.0
FORTH = datetime(2024, 3, 31, tzinfo=UTC).timestamp()  # a Sunday, in Europe
NO_CHANGE = datetime(2024, 6, 16, tzinfo=UTC).timestamp()
ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Anchorage",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Santiago",
)


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_clocks_lies_where_it_may(zone: str) -> None:
    there, hour = ZoneInfo(zone), timedelta(hours=1)
    at = datetime(2023, 1, 1, tzinfo=UTC)
    found = 0
    while at.year < 2030:
        if at.astimezone(there).utcoffset() != (at + hour).astimezone(there).utcoffset():
            moment = (at + hour).timestamp()
            assert unsettled(np.array([moment])).all(), at
            assert unsettled(np.array([moment + 1.5 * DAY])).all(), at
            found += 1
        at += hour
    assert found == 14


def test_most_of_the_year_nothing_is_allowed() -> None:
    times = np.arange(FORTH, FORTH + 365 * DAY, HOUR)
    assert unsettled(times).mean() < 0.08
    assert not unsettled(np.array([NO_CHANGE])).any()
    assert unsettled(np.array([FORTH - UNCERTAIN_SECONDS, FORTH + ALLOWED_SECONDS - 1])).all()
    assert not unsettled(np.array([FORTH - UNCERTAIN_SECONDS - 1, FORTH + ALLOWED_SECONDS])).any()


def test_a_year_has_seven_or_eight_sundays_of_changes_in_order() -> None:
    year = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    found = changes(year, year + 365 * DAY)
    assert [datetime.fromtimestamp(at, UTC).strftime("%m-%d") for at in found] == [
        *("03-10", "03-31", "04-07", "09-08", "09-29", "10-06", "10-27", "11-03")
    ]
    assert all((at // DAY + 4) % 7 == 0 for at in found)


def test_only_where_clocks_may_have_changed_an_hour_off_is_usual() -> None:
    weekly = np.arange(SLOTS, dtype=np.float64)[None]
    assert read_days(weekly, np.array([NO_CHANGE])).shape == (1, 1, 7)
    # An hour is six slots.
    days = read_days(weekly, np.array([FORTH + HOUR, FORTH + 4 * DAY]))[0]
    assert days.shape == (2, 9)
    assert days[0, 7:] - days[0, 0] == pytest.approx([-6, 6])
    assert days[1, 7:] - days[1, 0] == pytest.approx([0, 0])


def weeks(change: float, by: float, seed: int = 1) -> Floats:
    """Slots of three weeks before a change of clocks and two after it, by which all comes `by` seconds later."""
    at = change - 3 * WEEK + SLOT_SECONDS * np.arange(5 * SLOTS)
    then = np.where(at < change, at, at - by)
    day = 2 * np.pi * (then % DAY) / DAY
    noise = 0.2 * np.random.default_rng(seed).standard_normal(len(at))
    return np.asarray(np.sin(day) + 0.5 * np.sin(2 * day) + noise)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_days_that_come_later_or_earlier_are_told_and_moved(by: float) -> None:
    slots = np.stack([weeks(FORTH, by), weeks(FORTH, 0.0), np.zeros(5 * SLOTS), np.full(5 * SLOTS, np.nan)])
    found = shifts(slots, FORTH - 3 * WEEK)
    assert found is not None
    place = 3 * SLOTS
    assert (found[0, :place] == by / SLOT_SECONDS).all()
    assert not found[0, place:].any()
    assert not found[1:].any()
    before, after = moved(slots, found)[0].reshape(5, SLOTS)[[1, 4]]
    assert np.abs(before - after).mean() < 0.3  # noise alone: 0.23
    profile = np.arange(SLOTS, dtype=np.float64)[None]
    own = moved_back(profile, np.full((1, SLOTS), found[0, 0]))
    assert moved(own, np.full((1, SLOTS), found[0, 0]))[0, 6:-6] == pytest.approx(profile[0, 6:-6])


def test_without_a_change_of_clocks_nothing_is_a_shift() -> None:
    assert shifts(weeks(NO_CHANGE, HOUR)[None], NO_CHANGE - 3 * WEEK) is None


def test_too_little_before_or_after_a_change_tells_nothing() -> None:
    slots = weeks(FORTH, HOUR)[None]
    assert shifts(slots[:, : 3 * SLOTS + 180], FORTH - 3 * WEEK) is None
    assert shifts(slots[:, 3 * SLOTS - 500 :], FORTH - 500 * SLOT_SECONDS) is None


def shifted(world: World, begin: float, change: float, end: float, step: float) -> History:
    """What is observed of users whose clocks are set forth: from then on all comes an hour earlier."""
    before, after = world.read(begin, change, step), world.read(change + HOUR, end + HOUR, step)
    return History(before.keys, begin, step, np.concatenate([before.values, after.values], axis=1))


def alerted(history: History, live: History) -> int:
    """How many evaluations have a finding."""
    baselines = fit(history, SIGNALS, live.step)
    state, alerts = empty_state(baselines.keys), 0
    for column in range(live.values.shape[1]):
        result = evaluate(baselines, state, live.start + column * live.step, live.values[:, column])
        state = result.state
        alerts += bool(result.findings)
    return alerts


def cut(history: History, begin: float) -> History:
    first = round((begin - history.start) / history.step)
    return History(history.keys, begin, history.step, history.values[:, first:])


def test_a_change_of_clocks_is_no_fault_on_its_day_nor_after_it_is_learnt() -> None:
    world, begin = World(5, 4), FORTH - 4 * WEEK
    change = FORTH + HOUR
    assert not alerted(
        world.read(begin, FORTH, 600.0), cut(shifted(world, FORTH, change, FORTH + 2 * DAY, 60.0), FORTH)
    )
    learnt = FORTH + 2 * DAY
    history = shifted(world, begin, change, learnt, 600.0)
    assert not alerted(history, cut(shifted(world, FORTH, change, learnt + DAY, 60.0), learnt))


def test_the_same_shift_at_any_other_time_is_told() -> None:
    world, begin = World(5, 4), NO_CHANGE - 4 * WEEK
    live = shifted(world, NO_CHANGE, NO_CHANGE + HOUR, NO_CHANGE + DAY, 60.0)
    assert alerted(world.read(begin, NO_CHANGE, 600.0), live)
