import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.services.windows import Window, Windows


def windows(seed: int = 1) -> Windows:
    return Windows(seconds=1.0, period=4.0, dice=random.Random(seed).random)


@pytest.mark.parametrize("moment", [0.0, 0.1, 1.0, 2.0, 3.5, 3.99])
def test_every_moment_is_as_likely_to_be_seen(moment: float) -> None:
    made = windows()
    seen = mean(window.start <= moment < window.end for window in (made.next() for _ in range(20_000)))

    assert seen == pytest.approx(made.share, abs=0.01)


def test_what_is_seen_stands_for_all_on_average() -> None:
    made = windows(2)
    # Ten events a second, and a rush of a thousand at the very beginning of each period.
    estimates = []
    for _ in range(40_000):
        window = made.next()
        events = 10 * window.seconds + (1000 if window.start == 0.0 else 0)
        estimates.append(made.scale(window, window.seconds) * events)

    assert mean(estimates) == pytest.approx(1040, rel=0.03)


@given(st.floats(0, 1, exclude_max=True))
def test_a_window_lies_within_its_period(number: float) -> None:
    window = Windows(1.0, 4.0, lambda: number).next()

    assert 0.0 <= window.start <= window.end <= 4.0
    assert window.seconds <= 1.0 + 1e-9


def test_a_window_that_lasted_longer_than_meant_counts_no_more() -> None:
    made = windows()

    assert made.scale(Window(1.0, 2.0), 2.0) == made.scale(Window(1.0, 2.0), 1.0) / 2
    assert made.scale(Window(0.0, 0.0), 0.0) == 0.0
