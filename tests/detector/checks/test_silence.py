import numpy as np
import pytest

from detector.checks.silence import on_this_day, persistence
from detector.model import Floats

COLUMNS = 4000


def lasting(nothing: Floats, quiet: float) -> float:
    """The persistence of one series of nothing, 1.0, and something, 0.0, that could begin at once."""
    shape = (1, len(nothing))
    return float(persistence(nothing[None] > 0, np.ones(shape, np.bool_), np.full(shape, quiet))[0])


@pytest.mark.parametrize(
    ("expected", "likely"),
    [
        ([4.0, 4.0, 4.0], 0.01),
        ([1.0, 2.0, 3.0], 0.1),  # half of the usual: as likely as the square root
        ([9.0, 1.0, 1.0], 0.01),  # no less likely than what was seen
        ([0.0, 2.0, 4.0], 1.0),
        ([0.0, 0.0, 0.0], 0.01),
    ],
)
def test_nothing_is_more_likely_on_days_of_less(expected: list[float], likely: float) -> None:
    assert on_this_day(np.array([0.01]), np.array([expected])) == pytest.approx(likely)


def test_of_few_events_each_silent_sample_is_chance_and_an_outage_lasts() -> None:
    chance = np.random.default_rng(1)
    few = (chance.poisson(0.5, COLUMNS) == 0).astype(float)
    assert lasting(few, few.mean()) < 0.05
    outages = np.zeros(COLUMNS)
    for begin in range(0, COLUMNS, 500):
        outages[begin : begin + 50] = 1.0
    assert lasting(outages, outages.mean()) > 0.9


def test_of_what_is_never_or_always_silent_nothing_lasts_beyond_chance() -> None:
    assert lasting(np.zeros(COLUMNS), 0.001) == 0.0
    assert lasting(np.ones(COLUMNS), 1.0) == 0.0
    assert lasting(np.ones(1), 0.5) == 0.0


def test_what_could_not_be_there_yet_is_not_counted() -> None:
    nothing, begun = np.ones((1, 100), np.bool_), np.zeros((1, 100), np.bool_)
    nothing[0, 50::2] = False
    begun[0, 50:] = True
    assert persistence(nothing, begun, np.full((1, 100), 0.5))[0] == 0.0
