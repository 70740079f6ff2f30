from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.baselines.arrays import ARRAYS
from detector.baselines.profiles import Stored
from detector.checks import CHECKS, FLATLINE, SHIFT_HOUR, SHIFT_MINUTES, SPREAD, STEP_MINUTES
from detector.learning.fitting import CHUNK, fit, fit_each
from detector.learning.pools import Processes
from detector.model import Floats, History, SeriesKey, of_rows
from tests.detector.worlds import BEGIN, DAY, SIGNALS, World


def history(series: int, days: float) -> History:
    world = World(3, 2).read(BEGIN, BEGIN + days * DAY, 600.0)
    keys = tuple(SeriesKey(f"service-{row}", world.keys[row % 6].signal) for row in range(series))
    return History(keys, world.start, world.step, world.values[np.arange(series) % 6])


def test_processes_change_nothing_but_the_time() -> None:
    many = history(CHUNK + 7, 2)
    seen: list[int] = []
    alone = fit(many, SIGNALS, 60.0)
    spread = fit(many, SIGNALS, 60.0, workers=2, progress=seen.append)
    for name in ARRAYS:
        assert np.array_equal(getattr(alone, name), getattr(spread, name), equal_nan=True), name
    assert alone.keys == spread.keys == many.keys
    assert seen[-1] == CHUNK + 7
    assert len(seen) == 2


def test_profiles_on_disk_are_those_in_memory(tmp_path: Path) -> None:
    many = history(CHUNK + 7, 4)
    held, stored = fit(many, SIGNALS, 60.0), fit_each((many,), SIGNALS, 60.0, folder=tmp_path)
    assert stored is not None
    assert isinstance(stored.profile.tables[0], Stored)
    assert list(tmp_path.iterdir()) == []
    for name in ARRAYS:
        assert np.array_equal(getattr(held, name), getattr(stored, name), equal_nan=True), name
    for own, other in zip(held.profile.slots(), stored.profile.slots(), strict=True):
        assert np.array_equal(own, other)


def test_histories_are_taken_only_as_fast_as_they_are_learnt_from() -> None:
    taken: list[int] = []
    learnt: list[int] = []
    ahead: list[int] = []

    def one_by_one() -> Iterator[History]:
        every = history(20, 1)
        for row in range(20):
            taken.append(row)
            ahead.append(len(taken) - (learnt[-1] if learnt else 0))
            # Each on a grid of its own, so that none waits to be learnt from together with the next.
            begin = every.start - row * every.step
            yield replace(every, keys=every.keys[row : row + 1], values=every.values[row : row + 1], start=begin)

    streamed = fit_each(one_by_one(), SIGNALS, 60.0, Processes(2), learnt.append)
    assert streamed is not None
    assert streamed.keys == history(20, 1).keys
    assert max(ahead) <= 3 + 2  # one is at hand to see whether it joins those before it


def test_small_histories_are_learnt_from_together_and_teach_the_same() -> None:
    every = history(6, 1)
    tasks: list[int] = []
    counts, unlearnt = np.full(every.values.shape, np.nan), np.zeros(every.values.shape, np.bool_)
    counts[:3], unlearnt[:3, :5] = 50.0, True
    parts = (
        History(every.keys[:3], every.start, every.step, every.values[:3], unlearnt[:3], counts[:3]),
        History(every.keys[3:], every.start, every.step, every.values[3:]),
    )
    newest = replace(every, start=every.start + 3 * every.step, values=every.values[:, 3:])
    near = (
        replace(newest, keys=every.keys[:3], values=newest.values[:3]),
        replace(newest, keys=every.keys[3:], values=newest.values[3:]),
    )
    both = [replace(part, recent=recent) for part, recent in zip(parts, near, strict=True)]
    together = fit_each(both, SIGNALS, 60.0, progress=tasks.append)
    whole = fit(replace(every, counts=counts, unlearnt=unlearnt, recent=newest), SIGNALS, 60.0)
    assert tasks == [6]
    assert together is not None
    for name in ARRAYS:
        assert np.array_equal(getattr(together, name), getattr(whole, name), equal_nan=True), name


def test_the_newest_samples_at_closer_steps_teach_what_coarse_ones_cannot() -> None:
    close = of_rows(World(2, 8).read(BEGIN, BEGIN + 9 * DAY, 60.0), np.arange(2, 24, 3))
    coarse = replace(close, step=300.0, values=close.values[:, ::5])
    newest = int(3 * DAY / 60)
    recent = replace(close, start=BEGIN + 6 * DAY, values=close.values[:, -newest:])
    alone, both, best = (fit(each, SIGNALS, 60.0).limits for each in (coarse, replace(coarse, recent=recent), close))
    smoothed = [SHIFT_MINUTES, SHIFT_HOUR, STEP_MINUTES]
    off = [np.abs(np.log(limits[:, smoothed] / best[:, smoothed])).mean() for limits in (alone, both)]
    assert off[1] < 0.7 * off[0]
    # How neighbours behave is seen in them alone.
    neighbours = [FLATLINE - len(CHECKS), SPREAD - len(CHECKS)]
    assert np.isinf(alone[:, neighbours]).all()
    assert np.isfinite(both[:, neighbours]).all()


def test_what_hardly_ever_changes_may_stand_still_for_ever_and_what_never_stood_may_not() -> None:
    close = of_rows(World(2, 1).read(BEGIN, BEGIN + 9 * DAY, 60.0), np.array([2, 2]))
    values = close.values.copy()
    values[0] = 4.0
    close = replace(close, keys=(SeriesKey("a", "latency"), SeriesKey("b", "latency")), values=values)
    coarse = replace(close, step=300.0, values=values[:, ::5])
    recent = replace(close, start=BEGIN + 6 * DAY, values=values[:, -int(3 * DAY / 60) :])
    limits = fit(replace(coarse, recent=recent), SIGNALS, 60.0).limits[:, FLATLINE - len(CHECKS)]
    assert np.isinf(limits[0])
    assert 300 <= limits[1] <= 1800


def test_no_history_teaches_nothing() -> None:
    assert fit_each((), SIGNALS, 60.0) is None


def test_history_without_columns_leaves_series_learning() -> None:
    keys = (SeriesKey("any", "latency"),)
    baselines = fit(History(keys, BEGIN, 60.0, np.empty((1, 0))), SIGNALS, 60.0)
    assert baselines.samples.tolist() == [0]


@pytest.mark.parametrize("values", [np.zeros((2, 5)), np.zeros(5)])
def test_wrong_shapes_are_refused(values: Floats) -> None:
    with pytest.raises(ValueError, match="1 series cannot have values of shape"):
        fit(History((SeriesKey("any", "latency"),), BEGIN, 60.0, values), SIGNALS, 60.0)


def test_no_series_is_refused() -> None:
    with pytest.raises(ValueError, match="no series"):
        fit(History((), BEGIN, 60.0, np.empty((0, 5))), SIGNALS, 60.0)


def test_what_is_left_out_teaches_nothing() -> None:
    world = World(3, 2)
    usual = world.read(BEGIN, BEGIN + 14 * DAY, 300.0)
    broken, unlearnt = usual.values.copy(), np.zeros(usual.values.shape, np.bool_)
    for day in range(2, 14):  # every day, so that no robust estimate shrugs it off
        columns = slice(day * 288 + 120, day * 288 + 180)
        broken[:, columns] = 0.0
        unlearnt[:, columns] = True
    healthy = fit(usual, SIGNALS, 60.0)
    learnt = fit(replace(usual, values=broken), SIGNALS, 60.0)
    spared = fit(replace(usual, values=broken, unlearnt=unlearnt), SIGNALS, 60.0)
    requests = [row for row, key in enumerate(usual.keys) if key.signal == "requests"]
    hour = 12
    assert (learnt.quiet[requests, hour] > 0.5).all()
    assert spared.quiet[requests, hour] == pytest.approx(healthy.quiet[requests, hour], abs=0.1)
    times = BEGIN + 14 * DAY + 12 * 3600.0 + np.arange(1, dtype=np.float64)
    now = [each.usual(times)[requests, 0, 0] for each in (healthy, learnt, spared)]
    assert now[2] == pytest.approx(now[0], rel=0.1)
    assert not np.isclose(now[1], now[0], rtol=0.3).any()
    silence = (slice(None), -1)
    assert spared.limits[requests][silence] == pytest.approx(healthy.limits[requests][silence], rel=0.2)
