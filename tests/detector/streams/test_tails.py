"""How rare a value is, learnt from the values before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detector.streams.tails import KEPT, Tails


def after(values: np.ndarray, newest: float) -> float:
    tails = Tails(1)
    for value in values:
        tails.observe(np.array([value]))
    return float(tails.observe(np.array([newest]))[0])


@pytest.mark.parametrize("decades", [2.0, 3.0, 4.0])
def test_an_exponential_tail_is_read_off_within_half_a_decade(decades: float) -> None:
    values = np.random.default_rng(1).exponential(1.0, 2_000)
    found = after(values, decades * np.log(10))
    assert found == pytest.approx(decades, abs=0.5)


def test_what_is_usual_is_not_rare() -> None:
    values = np.random.default_rng(2).normal(0, 1, 2_000)
    assert after(values, 0.5) == 0.0


def test_the_first_value_beyond_a_constant_is_as_rare_as_the_constant_was_long() -> None:
    assert after(np.ones(999), 2.0) == pytest.approx(3.0, abs=0.01)


def test_a_value_that_is_missing_is_neither_rare_nor_learnt() -> None:
    values = np.random.default_rng(3).normal(0, 1, 500)
    tails, other = Tails(1), Tails(1)
    for value in values:
        tails.observe(np.array([value]))
        other.observe(np.array([value]))
        assert other.observe(np.array([np.nan]))[0] == 0.0
    assert tails.observe(np.array([4.0])) == other.observe(np.array([4.0]))


@given(arrays(np.float64, st.tuples(st.just(2), st.integers(1, 3 * KEPT)), elements=st.floats(-1e12, 1e12)))
def test_rows_do_not_touch_each_other_and_rarity_is_finite(values: np.ndarray) -> None:
    together, alone = Tails(2), Tails(1)
    for column in values.T:
        both = together.observe(column)
        assert np.isfinite(both).all()
        assert (both >= 0).all()
        assert alone.observe(column[:1])[0] == both[0]
