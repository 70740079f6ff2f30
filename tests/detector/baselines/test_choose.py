from dataclasses import replace

import numpy as np
import pytest

from detector.baselines import ModelState
from detector.baselines.choose import learn
from detector.model import Floats, History, SeriesKey
from tests.detector.worlds import BEGIN, DAY, ERRORS, LATENCY, REQUESTS, World

SIGNALS = {signal.name: signal for signal in (REQUESTS, ERRORS, LATENCY)}


def history(values: Floats, signal: str = "requests", step: float = 300.0) -> History:
    return History((SeriesKey("any", signal),), BEGIN, step, values[None])


def model(values: Floats) -> ModelState:
    return ModelState(int(learn(history(values), SIGNALS, 60.0).baselines.models[0]))


def test_what_is_known_decides_the_baseline() -> None:
    world = World(1, 1).read(BEGIN, BEGIN + 16 * DAY, 300.0).values[0]
    assert model(world) is ModelState.SEASONAL
    assert model(world[:288]) is ModelState.LEARNING
    assert model(world[: 288 * 2 + 10]) is ModelState.LEVEL
    assert model(world[:20]) is ModelState.LEARNING
    assert model(np.full(500, np.nan)) is ModelState.LEARNING
    assert model(np.full(5000, 7.0)) is ModelState.LEVEL
    sparse = np.full(5000, np.nan)
    sparse[::200] = 1.0
    assert model(sparse) is ModelState.LEARNING


def test_spread_is_never_nothing() -> None:
    for values in (np.zeros(5000), np.full(5000, 3.0), np.full(5000, np.nan), np.full(5000, np.inf)):
        learnt = learn(history(values), SIGNALS, 60.0).baselines
        assert (learnt.spread > 0).all()
        assert np.isfinite(learnt.usual(np.array([BEGIN]))).all()


def test_busy_hours_differ_from_quiet_ones() -> None:
    at = BEGIN + 300.0 * np.arange(288 * 14)
    values = np.where(at % DAY < 12 * 3600, 0.0, 10.0)
    quiet = learn(history(values), SIGNALS, 60.0).baselines.quiet[0]
    assert quiet[3] > 0.99
    assert quiet[15] < 0.01


def test_errors_name_what_is_wrong() -> None:
    good = history(np.zeros(10))
    with pytest.raises(ValueError, match="1 series cannot have values of shape"):
        learn(replace(good, values=np.zeros((2, 10))), SIGNALS, 60.0)
    with pytest.raises(ValueError, match="steps must be positive"):
        learn(replace(good, step=0.0), SIGNALS, 60.0)
    with pytest.raises(KeyError, match="unknown"):
        learn(replace(good, keys=(SeriesKey("any", "unknown"),)), SIGNALS, 60.0)
