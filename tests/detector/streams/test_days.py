"""What a series was at the same time on the days before."""

import numpy as np
import pytest

from detector.streams.days import DAY, DAYS, Days

STEP = 600.0


def lived(days: float, step: float = STEP) -> Days:
    """Return a ring that has seen the time of day in hours for so many days, and a second series of tens."""
    ring = Days(2, step)
    for at in np.arange(0, days * DAY, step):
        ring.put(at, np.array([hour(at), 10.0]))
    return ring


def hour(at: float) -> float:
    return at % DAY / 3_600


@pytest.mark.parametrize("step", [60.0, STEP, 3_600.0])
def test_the_same_time_on_other_days_is_found(step: float) -> None:
    at = 3.5 * DAY
    np.testing.assert_allclose(lived(3.5, step).at(at), [12.0, 10.0], atol=0.3)


def test_nothing_is_known_on_the_first_day() -> None:
    assert np.isnan(lived(0.5).at(0.5 * DAY)).all()


def test_only_the_latest_week_counts() -> None:
    ring = lived(1)
    for at in np.arange(DAY, (DAYS + 2) * DAY, STEP):
        ring.put(at, np.array([0.0, 0.0]))
    np.testing.assert_array_equal(ring.at((DAYS + 2.5) * DAY), [0.0, 0.0])


def test_a_gap_longer_than_the_ring_leaves_nothing() -> None:
    assert np.isnan(lived(3).at(30 * DAY)).all()


def test_days_of_a_few_points_have_no_time_of_day() -> None:
    ring = lived(20, DAY / 2)
    assert np.isnan(ring.at(20 * DAY)).all()


def test_a_missing_sample_takes_nothing_away() -> None:
    ring = lived(2)
    ring.put(2 * DAY, np.array([np.nan, np.nan]))
    assert np.isfinite(ring.at(2 * DAY)).all()
