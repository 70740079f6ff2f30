import warnings

import numpy as np
import pytest

from detector.baselines.robust import quantile


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9, 1.0])
@pytest.mark.parametrize("axis", [0, 2])
def test_quantiles_pass_over_holes(share: float, axis: int) -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(9, 4, 31))
    values[random.random(values.shape) < 0.3] = np.nan
    values[3] = np.nan
    values[4, :, 1:] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanquantile(values, share, axis=axis)
    assert quantile(values, share, axis) == pytest.approx(expected, rel=1e-12, nan_ok=True)
