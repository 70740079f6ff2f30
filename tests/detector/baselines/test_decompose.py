import numpy as np
import pytest
from statsmodels.tsa.seasonal import STL

from detector.baselines.decompose import fill, trends

HOURS = np.arange(672)


def test_jumps_change_the_trend_by_less_than_a_twentieth_of_the_noise() -> None:
    random = np.random.default_rng(1)
    noise = 0.1
    series = np.sin(2 * np.pi * HOURS / 24) + 0.002 * HOURS + noise * random.standard_normal(672)
    exact = STL(series, period=168, seasonal=7, robust=True).fit(inner_iter=2, outer_iter=3).trend
    jumped = trends(series[None], 168)[0]
    assert np.abs(jumped - exact).max() < noise / 20


def test_trend_is_not_pulled_by_an_incident() -> None:
    random = np.random.default_rng(2)
    series = np.sin(2 * np.pi * HOURS / 24) + 0.1 * random.standard_normal(672)
    broken = series.copy()
    broken[300:312] += 20
    assert np.abs(trends(broken[None], 168)[0]).max() < 0.3


@pytest.mark.parametrize("value", [0.0, 3.5, -1e6])
def test_constant_series_is_its_own_trend(value: float) -> None:
    assert trends(np.full((1, 672), value), 168) == pytest.approx(value)


def test_holes_are_filled_by_season_then_median() -> None:
    series = np.tile([1.0, 2.0, 9.0], 4)[None]
    holed = series.copy()
    holed[0, [1, 5, 2, 8, 11]] = np.nan
    assert fill(holed, 3)[0, 1] == 2.0
    assert np.isfinite(fill(holed, 3)).all()
    assert fill(np.full((1, 6), np.nan), 3).tolist() == [[0.0] * 6]


def test_less_than_two_seasons_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than two seasons of 168"):
        trends(np.zeros((1, 300)), 168)
