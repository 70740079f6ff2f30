import numpy as np
import pytest

from detector.checks.overrun import BEYOND_LONGEST, BEYOND_USUAL, longest_usual, running_seconds
from detector.model import Floats

DAY, MINUTE, GAP = 86_400.0, 60.0, 900.0
TIMES = np.arange(0.0, 14 * DAY, MINUTE)
ALWAYS = np.ones((1, len(TIMES)), np.bool_)


def limit(begins: list[float], lengths: list[float]) -> float:
    """Return the limit of a series that is at work for some times, in minutes."""
    minute = TIMES / MINUTE
    busy = np.zeros(len(TIMES), np.bool_)
    for begin, length in zip(begins, lengths, strict=True):
        busy |= (minute >= begin) & (minute < begin + length)
    return float(longest_usual(busy[None], ALWAYS, TIMES, GAP)[0])


def test_a_job_is_too_long_somewhat_beyond_its_longest_run() -> None:
    days = [1440.0 * day + 180 for day in range(14)]
    even = limit(days, [40.0] * 14)
    assert even == pytest.approx((39 * BEYOND_USUAL + 2) * MINUTE)
    uneven = limit(days, [40.0] * 13 + [60.0])
    assert uneven == pytest.approx((59 * BEYOND_LONGEST + 2) * MINUTE)


@pytest.mark.parametrize(
    ("begins", "lengths"),
    [
        ([], []),
        ([1440.0 * day for day in range(1, 4)], [40.0] * 3),  # too few to tell
        ([1440.0 * day for day in range(1, 13)], [40.0, 40.0, 200.0] * 4),  # of no usual length
        ([1440.0 * day for day in range(1, 13)], [2.0] * 12),  # now and then
        ([1440.0 * day for day in range(1, 13)], [900.0] * 12),  # at work most of the time
        ([0.0], [14 * 1440.0]),
    ],
)
def test_what_is_no_job_is_never_too_long(begins: list[float], lengths: list[float]) -> None:
    assert limit(begins, lengths) == np.inf


def test_runs_of_which_a_part_was_not_seen_do_not_count() -> None:
    minute = TIMES / MINUTE % 1440
    busy = ((minute >= 180) & (minute < 220))[None]
    known = np.where((minute >= 200) & (minute < 230), False, True)[None]
    assert longest_usual(busy, known, TIMES, GAP)[0] == np.inf
    assert np.isfinite(longest_usual(busy, ALWAYS, TIMES, GAP)[0])


def test_the_time_at_work_ends_with_it_and_is_not_told_over_a_gap() -> None:
    def after(before: float, busy: bool, since: float) -> Floats:
        return running_seconds(np.array([before]), np.array([busy]), np.array([since]), GAP)

    assert after(120.0, True, 60.0) == 180.0
    assert after(120.0, False, 60.0) == 0.0
    assert after(120.0, True, GAP + 1) == 0.0
