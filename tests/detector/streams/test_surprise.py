"""Scores of series by their own past alone."""

import numpy as np
import pytest

from detector.streams.surprise import FIRST, SPAN, Surprise

STEP = 300.0
POINTS = 1_200


def scored(values: np.ndarray) -> np.ndarray:
    """Return each point's score; shape of `values`, (series, points)."""
    surprise = Surprise(len(values), STEP)
    return np.stack([surprise.observe(STEP * index, column) for index, column in enumerate(values.T)], axis=1)


def noise(seed: int, series: int = 1) -> np.ndarray:
    return 100 + np.random.default_rng(seed).normal(0, 5, (series, POINTS))


def test_there_is_no_verdict_before_the_scale_is_known() -> None:
    assert np.isnan(scored(noise(1))[0, :FIRST]).all()
    assert np.isfinite(scored(noise(1))[0, FIRST:]).all()


def test_a_score_uses_nothing_that_comes_later() -> None:
    values = noise(2)
    changed = values.copy()
    changed[0, 800:] = 0.0
    np.testing.assert_array_equal(scored(values)[0, :800], scored(changed)[0, :800])


def test_series_beside_each_other_do_not_touch_each_other() -> None:
    values = noise(3, series=3)
    np.testing.assert_allclose(scored(values)[1], scored(values[1:2])[0])


@pytest.mark.parametrize("departure", [200.0, -95.0])
def test_a_departure_is_far_more_anomalous_than_anything_in_the_calm_before_it(departure: float) -> None:
    values = noise(4)
    values[0, 1_000:1_020] += departure
    found = scored(values)[0]
    assert found[1_000:1_003].max() > 3 * found[FIRST:1_000].max()


def test_what_lasts_is_news_once() -> None:
    values = noise(5)
    values[0, 1_000:] += 200
    found = scored(values)[0, 1_000 : 1_000 + SPAN]
    assert 1 <= (found > 1).sum() <= 3


def test_a_constant_series_is_never_anomalous_until_it_changes() -> None:
    values = np.full((1, POINTS), 7.0)
    values[0, 1_000] = 8.0
    found = scored(values)[0]
    assert np.nanmax(found[:1_000]) == 0.0
    assert found[1_000] > 1


def test_holes_and_infinities_are_points_without_a_value() -> None:
    values = noise(6)
    broken = values.copy()
    broken[0, 400:420] = np.nan
    broken[0, 500] = np.inf
    broken[0, :10] = np.nan
    found = scored(broken)[0]
    assert np.isfinite(found[FIRST:]).all()
    assert found[400:420].max() == 0.0
    assert found[500] == 0.0


def test_a_series_without_any_sample_is_left_alone() -> None:
    found = scored(np.full((1, FIRST + 50), np.nan))
    assert np.nan_to_num(found).max() == 0.0


def test_a_series_that_falls_below_zero_has_one_scale_only() -> None:
    values = noise(7) - 100
    values[0, 1_000] = 80.0
    assert scored(values)[0, 1_000] > 1
