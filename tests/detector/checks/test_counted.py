import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.checks.counted import by_chance


def deviation(expected: float, count: float) -> float:
    return float(by_chance(np.array([expected]), np.array([count]))[0])


def test_many_events_are_as_far_off_as_a_binomial_says() -> None:
    shares = np.random.default_rng(1).binomial(50_000, 0.02, 4000) / 50_000
    assert deviation(0.02, 50_000) == pytest.approx(shares.std(), rel=0.03)


def test_one_of_few_is_near_and_ten_of_a_thousand_are_far() -> None:
    assert 2 * deviation(0.0, 3) > 1 / 3
    assert 10 * deviation(0.0, 1000) < 10 / 1000


@pytest.mark.parametrize("count", [np.nan, 0.0, -3.0, np.inf])
def test_what_was_not_counted_is_not_widened(count: float) -> None:
    assert deviation(0.1, count) == 0.0


@given(st.floats(-1, 2), st.floats(1, 1e12))
def test_more_events_never_tell_less(expected: float, count: float) -> None:
    assert 0 < deviation(expected, 2 * count) < deviation(expected, count) < np.inf
