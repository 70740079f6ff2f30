import numpy as np
import pytest

from detector.baselines.arrays import ARRAYS
from detector.fitting import CHUNK, fit
from detector.model import Floats, History, SeriesKey
from tests.detector.worlds import BEGIN, DAY, SIGNALS, World


def history(series: int, days: float) -> History:
    world = World(3, 2).read(BEGIN, BEGIN + days * DAY, 600.0)
    keys = tuple(SeriesKey(f"service-{row}", world.keys[row % 6].signal) for row in range(series))
    return History(keys, world.start, world.step, world.values[np.arange(series) % 6])


def test_processes_change_nothing_but_the_time() -> None:
    many = history(CHUNK + 7, 2)
    seen: list[tuple[int, int]] = []
    alone = fit(many, SIGNALS, 60.0)
    spread = fit(many, SIGNALS, 60.0, workers=2, progress=lambda done, total: seen.append((done, total)))
    for name in ARRAYS:
        assert np.array_equal(getattr(alone, name), getattr(spread, name)), name
    assert alone.keys == spread.keys == many.keys
    assert max(seen) == (CHUNK + 7, CHUNK + 7)
    assert len(seen) == 2


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
