import numpy as np
import pytest

from detector.checks.silence import on_this_day


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
