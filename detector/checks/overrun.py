"""How long a job has been at work: one that runs for longer than it ever did is stuck, long before its day is over."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from detector.model import Floats

# What is at work for less than half of its time, in runs of about one length, is a job.
MOST_BUSY_SHARE = 0.5
LEAST_RUNS = 5
MOST_UNEVEN = 2.0  # the longest run over the median one
LEAST_RUN_SECONDS = 300.0
MOST_RUN_SECONDS = 12 * 3600.0
# A run is too long from here on: over the longest, and over the median one.
BEYOND_LONGEST, BEYOND_USUAL = 1.15, 1.4
Bools = npt.NDArray[np.bool_]


def running_seconds(before: Floats, busy: Bools, since: Floats, most: float) -> Floats:
    """Return for how long each series has been at work; all of shape (series,).

    Args:
        before: at the sample before.
        since: seconds since then; after a gap of more than `most` it is not known to have been at work all the time.
    """
    return np.where(busy, np.where(since <= most, before + since, 0.0), 0.0)


def longest_usual(busy: Bools, known: Bools, times: Floats, most: float) -> Floats:
    """Return after how many seconds at work each series is too long at it; infinite where it is no job.

    Args:
        busy: where there is something; shape (series, columns).
        known: where there is a sample; shape (series, columns).
        times: shape (columns,).
        most: of a longer gap it is not known what happened in it.
    """
    return limits_of_jobs(busy, known, times, lambda busy, at: _limit(runs(busy, at, most)))


def limits_of_jobs(busy: Bools, known: Bools, times: Floats, limit: Callable[[Bools, Floats], float]) -> Floats:
    """Return a limit in seconds for each series that may be a job's; infinite for the others. Arguments as above.

    Args:
        limit: tells it by when the series was at work, and the times of that.
    """
    share = (busy & known).sum(1) / np.maximum(known.sum(1), 1)
    result = np.full(len(busy), np.inf)
    for row in np.flatnonzero((share > 0) & (share <= MOST_BUSY_SHARE)):
        result[row] = limit(busy[row, known[row]], times[known[row]])
    # What seems as long as from its first to its last sample began and ended up to a step beyond them.
    return result + (2 * float(times[1] - times[0]) if len(times) > 1 else 0.0)


def runs(busy: Bools, at: Floats, most: float) -> Floats:
    """Return the lengths, in seconds, of the runs of which beginning and end were seen."""
    apart = np.diff(at) > most
    edges = np.flatnonzero((busy[1:] != busy[:-1]) | apart) + 1
    begins, ends = edges[:-1], edges[1:]
    whole = busy[begins] & ~apart[begins - 1] & ~apart[ends - 1]
    return np.asarray(at[ends[whole] - 1] - at[begins[whole]])


def _limit(runs: Floats) -> float:
    if len(runs) < LEAST_RUNS:
        return np.inf
    median, longest = float(np.median(runs)), float(runs.max())
    if median < LEAST_RUN_SECONDS or longest > min(MOST_UNEVEN * median, MOST_RUN_SECONDS):
        return np.inf
    return max(BEYOND_LONGEST * longest, BEYOND_USUAL * median)
