"""What all checks say together."""

import numpy as np

from detector.checks import CHECKS, FLATLINE, RESIDUAL, SHIFT_HOUR, SHIFT_MINUTES, SILENCE, SPREAD
from detector.checks.joined import JOINED_LIMIT, joined


def ratios(**given: float) -> np.ndarray:
    names = {"residual": RESIDUAL, "minutes": SHIFT_MINUTES, "hour": SHIFT_HOUR, "spread": SPREAD}
    names |= {"flatline": FLATLINE, "silence": SILENCE}
    result = np.zeros((1, len(CHECKS)))
    for name, ratio in given.items():
        result[0, names[name]] = ratio
    return result


def test_checks_that_agree_are_anomalous_before_any_of_them_is_alone() -> None:
    assert joined(ratios(residual=0.9))[0] < 1
    assert joined(ratios(minutes=0.9))[0] < 1
    assert joined(ratios(residual=0.9, minutes=0.9, hour=0.9))[0] > 1


def test_silence_and_standstill_need_nobody_to_agree() -> None:
    assert joined(ratios(silence=1.0))[0] == joined(ratios(flatline=1.0))[0] == 1.0
    assert joined(ratios(spread=1.0))[0] == 1 / JOINED_LIMIT


def test_nothing_unusual_is_no_score() -> None:
    assert joined(np.zeros((3, len(CHECKS)))).tolist() == [0.0, 0.0, 0.0]
