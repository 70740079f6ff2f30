import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.checks.hold import (
    CALM_SAMPLES,
    CLEAR_SCORE,
    OFTEN_SECONDS,
    REMEMBERED,
    UNKNOWN_SECONDS,
    all_but_one,
    empty_held,
    hold,
)

NAN = float("nan")


def firing(scores: list[float], step: float = 60.0, *, silent: bool = False, duration: bool = False) -> list[bool]:
    held, result = empty_held(1), []
    for n, score in enumerate(scores):
        held = hold(held, np.array([score]), n * step, np.array([silent and score >= 1]), step, np.array([duration]))
        result.append(bool(held.firing[0]))
    return result


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([4, 4, 4, 0, 0], [False] * 5),
        ([4, 4, 4, 4], [False] * 3 + [True]),
        ([4, 4, 0, 4, 4], [False] * 4 + [True]),
        ([4, 4, 0, 0, 4, 4], [False] * 6),
        ([4, 4, NAN, 4, 4], [False] * 4 + [True]),
        ([2, 2, 2, 2, 0.9, 0.9, 0.9, 0.9, 0.9], [False] * 3 + [True] * 6),
        ([2, 2, 2, 2, 0, 2, 0, 2], [False] * 3 + [True] * 5),
    ],
)
def test_four_of_five_agree_and_enough_are_calm(scores: list[float], expected: list[bool]) -> None:
    assert firing(scores) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([4, 4, 4, 4, 0, 0], [False] * 6),
        ([4, 4, 4, 4, 4], [False] * 4 + [True]),
        ([4, 4, 0, 4, 4, 4], [False] * 5 + [True]),
        ([4, 4, 0, 0, 4, 4, 4], [False] * 7),
        ([9, 9], [False, True]),
    ],
)
def test_of_durations_five_of_six_agree(scores: list[float], expected: list[bool]) -> None:
    assert firing(scores, duration=True) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([9, 9], [False, True]), ([9, 0, 9], [False, False, True]), ([9, 0, 0, 9], [False] * 4)],
)
def test_of_silence_two_of_three_are_enough(scores: list[float], expected: list[bool]) -> None:
    assert firing(scores, silent=True) == expected


def test_looked_at_often_two_of_three_are_enough() -> None:
    assert firing([2, 2], OFTEN_SECONDS - 1) == [False, True]
    assert firing([2, 2], OFTEN_SECONDS) == [False, False]


def test_of_what_is_clear_two_of_three_are_enough() -> None:
    clear = CLEAR_SCORE
    assert firing([clear, clear]) == [False, True]
    assert firing([clear, 0, clear]) == [False, False, True]
    assert firing([clear, 0.99 * clear, 0]) == [False] * 3


@given(st.lists(st.floats(0, 9), min_size=6, max_size=6), st.integers(2, 6))
def test_all_but_one_is_what_sorting_finds(scores: list[float], samples: int) -> None:
    before = np.array(scores[:5])
    assert before.shape == (REMEMBERED,)
    assert all_but_one(before, np.array(scores[5]), samples) == sorted(scores[-samples:])[1]


def test_an_alert_ends_after_enough_calm() -> None:
    calm = firing([2.0] * 4 + [0.1] * CALM_SAMPLES)
    assert calm[-2:] == [True, False]


def test_without_a_verdict_an_alert_lasts_but_not_for_ever() -> None:
    unknown = firing([2.0] * 4 + [NAN] * 40)
    assert unknown.index(False, 4) == 3 + UNKNOWN_SECONDS / 60
    assert not any(unknown[unknown.index(False, 4) :])


def test_since_is_the_first_sample_out_of_the_band() -> None:
    held = empty_held(1)
    for n, score in enumerate([0.0, 0.0, 2.0, 0.5, 2.0, 2.0]):
        held = hold(held, np.array([score]), 100.0 + n, np.array([False]), 60.0, np.array([False]))
    assert held.since.tolist() == [102.0]
