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
    WARINESS,
    WARY_HALF_LIFE_SECONDS,
    Held,
    all_but_one,
    empty_held,
    hold,
    wariness,
)

NAN = float("nan")


def held_after(
    scores: list[float], step: float = 60.0, *, silent: bool = False, duration: bool = False, uncounted: bool = False
) -> list[Held]:
    held, result = empty_held(1), []
    for n, score in enumerate(scores):
        silence, kind, share = (np.array([each]) for each in (silent and score >= 1, duration, uncounted))
        held = hold(held, np.array([score]), n * step, silence, step, kind, share)
        result.append(held)
    return result


def firing(scores: list[float], step: float = 60.0, **kind: bool) -> list[bool]:
    return [bool(held.firing[0]) for held in held_after(scores, step, **kind)]


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
        ([1.9, 1.9, 1.9, 1.9, 0, 0], [False] * 6),
        ([1.9, 1.9, 1.9, 1.9, 1.9], [False] * 4 + [True]),
        ([1.9, 1.9, 0, 1.9, 1.9, 1.9], [False] * 5 + [True]),
        ([1.9, 1.9, 0, 0, 1.9, 1.9, 1.9], [False] * 7),
        ([2, 2, 2, 2], [False] * 3 + [True]),
        ([4, 4, 0, 4, 4], [False] * 4 + [True]),
        ([4, 4, 0, 0, 4, 4], [False] * 6),
        ([9, 9], [False, True]),
    ],
)
def test_of_durations_five_of_six_or_four_of_five_far_off_agree(scores: list[float], expected: list[bool]) -> None:
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
    assert held_after([0.0, 0.0, 2.0, 0.5, 2.0, 2.0])[-1].since.tolist() == [120.0]


def test_of_a_share_of_nobody_knows_how_many_three_of_four_are_enough() -> None:
    assert firing([9, 9, 0, 0], uncounted=True) == [False] * 4
    assert firing([9, 9, 0, 9], uncounted=True) == [False, False, False, True]
    assert firing([9, 9, 9], uncounted=True) == [False, False, True]


def test_after_an_alert_another_asks_for_more_and_a_day_later_for_half_as_much_more() -> None:
    before, during, after = (held_after([2.0] * 3 + more)[-1] for more in ([], [2.0], [2.0] + [0.0] * CALM_SAMPLES))
    assert wariness(before, 1e3).tolist() == [1.0]
    assert wariness(during, 1e3).tolist() == [1.0]
    ended = after.held_at[0]
    assert wariness(after, ended).tolist() == [1.0 + WARINESS]
    assert wariness(after, ended + WARY_HALF_LIFE_SECONDS).tolist() == [1.0 + WARINESS / 2]
    assert wariness(after, ended - 60.0).tolist() == [1.0 + WARINESS]  # a clock that was set back
