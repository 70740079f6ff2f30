"""Enough samples must agree before an alert, and enough must be calm before its end."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.model import Floats

# Four of five: a release or a restart that is over within three minutes is no incident, and one good sample in between
# does not hide one. What is silent is no longer working at all, and what departs this many times as far as would do is
# no release: there two of three are enough. At half of it releases alert again, from here on none did.
CLEAR_SCORE = 6.0
# Durations are slow for as long as a release lasts and are seen through a window besides: of them five of six, but four
# of five where they depart this many times as far.
SLOW_SCORE = 2.0
# Of a share of nobody knows how many, three of four: of few requests, a single one that fails is far off.
# Looked at more often than this, four samples are over sooner than any release and would tell no more than two do.
OFTEN_SECONDS = 30.0
REMEMBERED = 5
# An alert ends after this many samples in a row below the release score.
CALM_SAMPLES = 3
RELEASE_SCORE = 0.8
# Without any verdict for this long, an alert ends: what vanished for good must not alert for ever.
UNKNOWN_SECONDS = 1_800.0
# What was told and has ended is no news when it comes back: another alert asks for this much more of a departure, half
# as much more a day later. Most false alerts were followed by others of the same departure.
WARINESS, WARY_HALF_LIFE_SECONDS = 0.4, 86_400.0

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Held:
    """What is remembered to hold and to release; every array of shape (series,) unless said otherwise.

    Attributes:
        before: the scores before the newest, oldest first; shape (series, REMEMBERED).
        since: when the departure began, NaN if there is none.
        firing: whether an alert is held.
        calm: samples in a row below the release score.
        verdict_at: when there was last a verdict; NaN before the first.
        held_at: when an alert was last held; NaN before the first.
    """

    before: Floats
    since: Floats
    firing: Bools
    calm: npt.NDArray[np.int64]
    verdict_at: Floats
    held_at: Floats


def empty_held(series: int) -> Held:
    """Return what is remembered of series never judged."""
    unknown = np.full(series, np.nan)
    calm = np.zeros(series, np.int64)
    return Held(np.zeros((series, REMEMBERED)), unknown, np.zeros(series, np.bool_), calm, unknown, unknown)


def wariness(held: Held, at: float) -> Floats:
    """Return how many times further a series must depart for another alert than for its first; shape (series,)."""
    since = np.maximum(at - held.held_at, 0.0)
    more = WARINESS * np.exp2(-since / WARY_HALF_LIFE_SECONDS)
    return np.where(held.firing | np.isnan(since), 1.0, 1.0 + more)


def all_but_one(before: Floats, newest: Floats, samples: int) -> Floats:
    """Return what all but one of the newest samples reach.

    Args:
        before: earlier samples, the oldest first; shape (..., REMEMBERED).
        newest: shape (...).
        samples: how many, the newest among them.
    """
    # Two running minima: cheaper than sorting, of which replaying history does very much.
    least, second = newest, np.full_like(newest, np.inf)
    for place in range(REMEMBERED - samples + 1, REMEMBERED):
        value = before[..., place]
        second = np.minimum(second, np.maximum(least, value))
        least = np.minimum(least, value)
    return np.asarray(second)


def second_of_three(before: Floats, newest: Floats) -> Floats:
    """Return the second largest of the last two of earlier values and the newest; shapes as of `all_but_one`."""
    first, second = before[..., -2], before[..., -1]
    return np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), newest))


def agreed(before: Floats, newest: Floats, step: float, durations: Bools) -> Floats:
    """Return what enough of the newest values agree on; shapes as of `all_but_one`, the first axis being series.

    Args:
        step: seconds between evaluations.
        durations: which series are; shape (series,).
    """
    if step < OFTEN_SECONDS:
        return second_of_three(before, newest)
    result = all_but_one(before, newest, 5)
    if durations.any():
        longer = all_but_one(before[durations], newest[durations], 6)
        result[durations] = np.maximum(longer, result[durations] / SLOW_SCORE)
    return result


def hold(held: Held, score: Floats, at: float, silent: Bools, step: float, durations: Bools, uncounted: Bools) -> Held:
    """Take in the newest scores, NaN where there is no verdict, and where silence alone is anomalous.

    Args:
        step: seconds between evaluations.
        durations: which series are.
        uncounted: which series are shares of nobody knows how many.
    """
    judged = np.isfinite(score)
    newest = np.where(judged, score, 0.0)
    verdict_at = np.where(judged, at, held.verdict_at)
    clear = second_of_three(held.before, newest)
    if uncounted.any():
        clear = np.where(uncounted, all_but_one(held.before, newest, 4), clear)
    soon = clear >= np.where(silent, 1.0, CLEAR_SCORE)
    enough = soon | (agreed(held.before, newest, step, durations) >= 1.0)
    begun = judged & enough & (newest >= RELEASE_SCORE)
    calm = np.where(judged, np.where(newest < RELEASE_SCORE, held.calm + 1, 0), held.calm)
    unknown = ~judged & (at - np.where(np.isnan(verdict_at), at, verdict_at) >= UNKNOWN_SECONDS)
    over = (calm >= CALM_SAMPLES) | unknown
    firing = (held.firing & ~over) | begun
    begins = judged & (newest >= 1.0) & np.isnan(held.since)
    since = np.where(begins, at, np.where(over & ~firing, np.nan, held.since))
    shifted = np.concatenate([held.before[:, 1:], newest[:, None]], axis=1)
    before = np.where(judged[:, None], shifted, held.before)
    held_at = np.where(firing, at, held.held_at)
    return Held(np.where(unknown[:, None], 0.0, before), since, firing, calm, verdict_at, held_at)
