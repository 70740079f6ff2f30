import numpy as np
import pytest

from detector.checks.hold import CALM_SAMPLES, UNKNOWN_SECONDS, empty_held, hold

NAN = float("nan")


def firing(scores: list[float], step: float = 60.0) -> list[bool]:
    held, result = empty_held(1), []
    for n, score in enumerate(scores):
        held = hold(held, np.array([score]), n * step)
        result.append(bool(held.firing[0]))
    return result


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0, 9, 0, 0], [False] * 4),
        ([0, 9, 9], [False, False, True]),
        ([9, 0, 9], [False, False, True]),
        ([9, 0, 0, 9], [False] * 4),
        ([9, NAN, 9], [False, False, True]),
        ([2, 2, 0.9, 0.9, 0.9, 0.9, 0.9], [False] + [True] * 6),
        ([2, 2, 0, 2, 0, 2], [False] + [True] * 5),
    ],
)
def test_two_of_three_agree_and_enough_are_calm(scores: list[float], expected: list[bool]) -> None:
    assert firing(scores) == expected


def test_an_alert_ends_after_enough_calm() -> None:
    calm = firing([2.0, 2.0, *[0.1] * CALM_SAMPLES])
    assert calm[-2:] == [True, False]


def test_without_a_verdict_an_alert_lasts_but_not_for_ever() -> None:
    unknown = firing([2.0, 2.0, *[NAN] * 40])
    assert unknown.index(False, 2) == 1 + UNKNOWN_SECONDS / 60
    assert not any(unknown[unknown.index(False, 2) :])


def test_since_is_the_first_sample_out_of_the_band() -> None:
    held = empty_held(1)
    for n, score in enumerate([0.0, 0.0, 2.0, 0.5, 2.0, 2.0]):
        held = hold(held, np.array([score]), 100.0 + n)
    assert held.since.tolist() == [102.0]
