"""All checks' statistics of one more point, live and when history is replayed to calibrate them."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detector.baselines.stabilise import Scales, inverse, is_nothing
from detector.checks.bounded import between
from detector.checks.flatline import unchanged_seconds
from detector.checks.late import last_busy
from detector.checks.moved import move
from detector.checks.overrun import running_seconds
from detector.checks.residual import CLIP, departure, unlikeness
from detector.checks.shift import SPANS_SECONDS, smooth, supported
from detector.checks.silence import evidence, on_this_day
from detector.checks.spread import restlessness
from detector.checks.step import follow as follow_near
from detector.checks.step import smooth as smooth_step
from detector.model import Floats

# The columns of statistics, limits and scores.
CHECKS = (
    "residual",
    "shift_minutes",
    "shift_hour",
    "drift",
    "step",
    "step_minutes",
    "spread",
    "flatline",
    "overrun",
    "late",
    "silence",
)
RESIDUAL, SHIFT_MINUTES, SHIFT_HOUR, DRIFT, STEP, STEP_MINUTES, SPREAD, FLATLINE, OVERRUN, LATE, SILENCE = range(
    len(CHECKS)
)

# The level follows half of a lasting change in three days, and of a departure it sees at most two deviations: a day's
# incident moves it by less than half a deviation.
LEVEL_HALF_LIFE_SECONDS = 3 * 86_400.0
LEVEL_CLIP = 2.0
# A level still being found has no season to explain the day, so it follows the day itself.
YOUNG_HALF_LIFE_SECONDS = 3_600.0
# However long a gap was, the point after it counts for no more than this.
MOST_ELAPSED_SECONDS = 900.0
RECENT = 5
DAYS, DAY_SECONDS = 7, 86_400.0
# What the smoothed distance from the last hour sees of one point at most, in usual distances.
STEP_CLIP = 6.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the checks remember of each series.

    Attributes:
        level: added to the profile, stabilised; shape (series,).
        moved: how far the series lately moved to stay, as a share of its reach, see `moved`; shape (series,).
        seen: samples seen; shape (series,).
        last_at: time of the newest sample, NaN before the first; shape (series,).
        last_value: the newest sample, in the signal's unit; shape (series,).
        recent: the newest deviations, clipped, oldest first; shape (series, RECENT).
        smoothed: deviations smoothed over each span; shape (series, spans).
        near: where the series was within the last hour, in deviations; NaN before the first point; shape (series,).
        stepped: smoothed distance from there, over the usual one; shape (series,).
        restless: smoothed change between neighbours, in deviations; shape (series,).
        unchanged: seconds for which the value has been the same; shape (series,).
        running: seconds for which the series has been at work; shape (series,).
        busy_at: when it was last, NaN if unknown; shape (series,).
        silence: evidence of silence in nats; shape (series,).
        unlike: how far this day was on the whole from each day of the week, its own first; shape (series, DAYS).
    """

    level: Floats
    moved: Floats
    seen: npt.NDArray[np.int64]
    last_at: Floats
    last_value: Floats
    recent: Floats
    smoothed: Floats
    near: Floats
    stepped: Floats
    restless: Floats
    unchanged: Floats
    running: Floats
    busy_at: Floats
    silence: Floats
    unlike: Floats

    def centre(self, reach: Floats) -> Floats:
        """What is added to the profile to tell what is usual now; as `reach` stabilised, of shape (series,)."""
        return self.level + self.moved * reach


@dataclass(frozen=True, slots=True)
class Point:
    """One evaluation of all series; every array of shape (series,) unless said otherwise.

    Attributes:
        at: its time.
        step: seconds between points.
        observed: in the signals' units, NaN where there is no sample.
        stable: the same, stabilised.
        usual: what the profile says of this day's time, then of the other days'; shape (series, days).
        scales: how the series are stabilised.
        spread: the usual deviation, stabilised, positive.
        agility: how far the series usually is from where it was within the last hour, in deviations, positive.
        reach: how far it may move to stay without any fault, stabilised.
        quiet: how likely nothing is at this time of the day.
        visible: whether the series' source was seen.
        young: samples the level was learnt from if it is still being found, else -1.
        stands_for: how many evaluations the point stands for; more than 1 in a history coarser than those; one for
            all, or of shape (series,).
    """

    at: float
    step: float
    observed: Floats
    stable: Floats
    usual: Floats
    scales: Scales
    spread: Floats
    agility: Floats
    reach: Floats
    quiet: Floats
    visible: npt.NDArray[np.bool_]
    young: npt.NDArray[np.int64]
    stands_for: Floats | float = 1.0


@dataclass(frozen=True, slots=True)
class Observed:
    """What one point gave.

    Attributes:
        memory: to be kept.
        statistics: one column per check, in deviations, seconds or nats, with sign; NaN where there was no sample but
            for silence; shape (series, checks).
    """

    memory: Memory
    statistics: Floats


def empty_memory(series: int) -> Memory:
    """Return the memory of series never seen."""
    zeros = np.zeros(series)
    unknown = np.full(series, np.nan)
    recent, smoothed = np.zeros((series, RECENT)), np.zeros((series, len(SPANS_SECONDS)))
    return Memory(
        level=zeros,
        moved=zeros,
        seen=np.zeros(series, np.int64),
        last_at=unknown,
        last_value=unknown,
        recent=recent,
        smoothed=smoothed,
        near=unknown,
        stepped=zeros,
        restless=np.ones(series),
        unchanged=zeros,
        running=zeros,
        busy_at=unknown,
        silence=zeros,
        unlike=np.zeros((series, DAYS)),
    )


def observe(memory: Memory, point: Point) -> Observed:
    """Take in one point of every series and return the checks' statistics."""
    known = np.isfinite(point.stable)
    since = np.where(np.isnan(memory.last_at), point.step, point.at - memory.last_at)
    elapsed = between(since, 0.0, MOST_ELAPSED_SECONDS)
    distances = (point.stable - memory.centre(point.reach))[:, None] - point.usual
    unlike = _of_this_day(memory, point)
    exact = np.where(known, departure(distances, unlike), 0.0) / point.spread
    clipped = between(exact, -CLIP, CLIP)
    recent = np.concatenate([memory.recent[:, 1:], clipped[:, None]], axis=1)
    middle = np.sort(recent, axis=1)[:, RECENT // 2]
    smoothed = smooth(memory.smoothed, clipped, elapsed)
    near = np.where(np.isnan(memory.near), exact, memory.near)
    distance = (exact - near) / point.agility
    stepped = smooth_step(memory.stepped, between(distance, -STEP_CLIP, STEP_CLIP), elapsed)
    restless = restlessness(memory.restless, clipped - memory.recent[:, -1], elapsed)
    unchanged = unchanged_seconds(memory.unchanged, point.observed, memory.last_value, elapsed)
    idle = is_nothing(point.observed, point.scales.offsets)
    nothing = point.visible & idle
    silence = evidence(memory.silence, nothing, _quiet(memory, point, nothing), point.stands_for)
    after = Memory(
        level=_follow(memory, exact * point.spread, point, elapsed),
        moved=move(memory.moved, middle * point.spread, point.spread, point.reach, elapsed),
        seen=memory.seen + 1,
        last_at=np.full_like(elapsed, point.at),
        last_value=point.observed,
        recent=recent,
        smoothed=smoothed,
        near=follow_near(near, distance, point.agility, elapsed),
        stepped=stepped,
        restless=restless,
        unchanged=unchanged,
        running=running_seconds(memory.running, ~idle, since, MOST_ELAPSED_SECONDS),
        busy_at=last_busy(memory.busy_at, ~idle, point.at, since, MOST_ELAPSED_SECONDS),
        silence=silence,
        unlike=unlikeness(unlike, distances[:, :DAYS] / point.spread[:, None], elapsed),
    )
    statistics = _statistics(exact, distance, middle, after)
    # Most points of a history, of which very many are replayed, are all there.
    return Observed(after, statistics) if known.all() else _where_seen(memory, point, Observed(after, statistics))


def _quiet(memory: Memory, point: Point, nothing: npt.NDArray[np.bool_]) -> Floats:
    """Return how likely nothing is on this day; worked out only where there is nothing."""
    quiet, rows = point.quiet.copy(), np.flatnonzero(nothing)
    if len(rows):
        usual = point.usual[rows] + memory.centre(point.reach)[rows, None]
        quiet[rows] = on_this_day(quiet[rows], inverse(usual, point.scales.rows(rows)))
    return quiet


def _where_seen(memory: Memory, point: Point, seen: Observed) -> Observed:
    """Leave series without a sample as they were, and say nothing of them but of their silence."""
    known = np.isfinite(point.stable)
    blind = ~known & ~point.visible
    seen.statistics[~known, :SILENCE] = np.nan
    seen.statistics[blind, SILENCE] = np.nan
    # A blind spot neither adds to the evidence nor takes it away.
    silence = np.where(blind, memory.silence, seen.memory.silence)
    return Observed(replace(_where(known, seen.memory, memory), silence=silence), seen.statistics)


def _of_this_day(memory: Memory, point: Point) -> Floats:
    """Return how far this day was from each day of the week up to now; shape (series, DAYS)."""
    begun = np.floor_divide(memory.last_at, DAY_SECONDS) != np.floor_divide(point.at, DAY_SECONDS)
    return np.where(begun[:, None], 0.0, memory.unlike) if begun.any() else memory.unlike


def _statistics(exact: Floats, distance: Floats, middle: Floats, after: Memory) -> Floats:
    """Return the statistics of all checks, as of a point with a sample; shape (series, CHECKS)."""
    statistics = np.empty((len(exact), len(CHECKS)))
    statistics[:, RESIDUAL] = exact
    statistics[:, SHIFT_MINUTES : DRIFT + 1] = supported(after.smoothed, middle)
    statistics[:, STEP] = distance
    statistics[:, STEP_MINUTES] = supported(after.stepped[:, None], distance)[:, 0]
    statistics[:, SPREAD] = after.restless
    statistics[:, FLATLINE] = after.unchanged
    statistics[:, OVERRUN] = after.running
    statistics[:, LATE] = np.where(np.isnan(after.busy_at), 0.0, after.last_at - after.busy_at)
    statistics[:, SILENCE] = after.silence
    return statistics


def _share_of_young(seen: npt.NDArray[np.int64], young: npt.NDArray[np.int64]) -> Floats:
    """Return the weight of one more sample in the mean of a level being found; zero where it was found."""
    return np.where(young >= 0, 1.0 / (np.maximum(young, 0) + seen + 1.0), 0.0)


def _follow(memory: Memory, departure: Floats, point: Point, elapsed: Floats) -> Floats:
    """Move the level a little towards the newest point, which departs so far from it and what was moved beyond it."""
    young = _share_of_young(memory.seen, point.young)
    half_life = np.where(young > 0, YOUNG_HALF_LIFE_SECONDS, LEVEL_HALF_LIFE_SECONDS)
    share = -np.expm1(-elapsed * np.log(2.0) / half_life)
    # The first few samples of a new series place its level wherever they are.
    clip = np.where(young > 0.1, np.inf, LEVEL_CLIP) * point.spread
    moved = departure + memory.moved * point.reach
    return np.asarray(memory.level + np.maximum(share, young) * between(moved, -clip, clip))


def _where(known: npt.NDArray[np.bool_], after: Memory, before: Memory) -> Memory:
    """Keep the memory of series without a sample."""
    column = known[:, None]
    return Memory(
        level=np.where(known, after.level, before.level),
        moved=np.where(known, after.moved, before.moved),
        seen=np.where(known, after.seen, before.seen),
        last_at=np.where(known, after.last_at, before.last_at),
        last_value=np.where(known, after.last_value, before.last_value),
        recent=np.where(column, after.recent, before.recent),
        smoothed=np.where(column, after.smoothed, before.smoothed),
        near=np.where(known, after.near, before.near),
        stepped=np.where(known, after.stepped, before.stepped),
        restless=np.where(known, after.restless, before.restless),
        unchanged=np.where(known, after.unchanged, before.unchanged),
        running=np.where(known, after.running, before.running),
        busy_at=np.where(known, after.busy_at, before.busy_at),
        silence=after.silence,
        unlike=np.where(column, after.unlike, before.unlike),
    )
