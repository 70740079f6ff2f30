import io
import pickle

import numpy as np
import pytest

from detector.baselines import BaselineError, Baselines, join, restore, store, take
from detector.baselines.arrays import ARRAYS
from detector.fitting import prior
from detector.model import SeriesKey
from tests.detector.worlds import SIGNALS

KEYS = tuple(SeriesKey(name, "latency") for name in ("a", "b", "größe-✓"))


def same(one: Baselines, other: Baselines) -> bool:
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)
    return arrays and one.keys == other.keys and one.step == other.step


def test_baselines_outlive_storage_and_pickling() -> None:
    baselines = prior(KEYS, SIGNALS, 60.0)
    assert same(restore(store(baselines)), baselines)
    assert same(pickle.loads(pickle.dumps(baselines)), baselines)


def test_rows_can_be_taken_and_joined() -> None:
    baselines = prior(KEYS, SIGNALS, 60.0)
    parts = [take(baselines, np.array([row])) for row in range(3)]
    assert same(join(parts), baselines)
    with pytest.raises(ValueError, match="no baselines"):
        join([])


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_damaged_bytes_are_refused(keep: float) -> None:
    data = store(prior(KEYS, SIGNALS, 60.0))
    with pytest.raises(BaselineError, match="cannot be read"):
        restore(data[: int(len(data) * keep)])


def test_no_series_can_be_stored() -> None:
    assert restore(store(take(prior(KEYS, SIGNALS, 60.0), np.array([], np.int64)))).keys == ()


def test_another_version_is_refused() -> None:
    with np.load(io.BytesIO(store(prior(KEYS, SIGNALS, 60.0)))) as archive:
        older = {**archive, "version": archive["version"] - 1}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **older)
    with pytest.raises(BaselineError, match="have version"):
        restore(buffer.getvalue())
