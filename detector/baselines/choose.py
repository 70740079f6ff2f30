"""Gives every series its baseline, and keeps what calibration needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detector.baselines.arrays import Baselines, ModelState, join
from detector.baselines.grid import DAY, HOUR, HOURS_PER_DAY, WEEK
from detector.baselines.level import LEAST_SPREAD, agility, levels, noise, spreads
from detector.baselines.packed import pack
from detector.baselines.portions import portions
from detector.baselines.prior import LEVEL_SPAN, deviations, least_changes
from detector.baselines.profiles import packed
from detector.baselines.seasonal import Season, Seasonal, find, residuals
from detector.baselines.stabilise import Scales, choose, forward, is_nothing, usable
from detector.model import Bad, Floats, History, Kind, Signal, of_rows

# Samples that the hours of a series' day are taken to have had beforehand, half of them quiet.
QUIET_PRIOR = 1.0
# A level needs this share of its span's samples at least; what is rarer stays with the prior.
LEVEL_SAMPLES = 60
# How much more than its noise a level that follows the day may be off.
YOUNG_NOISE = 1.5
Models = npt.NDArray[np.int8]
SIGNS = {Bad.UP: 1, Bad.BOTH: 0, Bad.DOWN: -1}


@dataclass(frozen=True, slots=True)
class Learnt:
    """Baselines without limits, and the history they came from as calibration wants it.

    Attributes:
        baselines: `limits` is empty: shape (series, 0).
        history: as given.
        left_out: what the seasons say of each week when it is left out; shape (series, weeks, SLOTS).
        week_of: the week of each column of the history.
        trend: the level at history's end; shape (series,).
        recent: the newest of it at closer steps; None where there are none.
    """

    baselines: Baselines
    history: History
    left_out: Floats
    week_of: npt.NDArray[np.int64]
    trend: Floats
    recent: "Learnt | None" = None

    @property
    def times(self) -> Floats:
        """When the columns were; shape (columns,)."""
        return times_of(self.history)


def learn(history: History, signals: Mapping[str, Signal], step: float) -> Learnt:
    """Learn what is usual for each series of a history.

    Args:
        history: at least one column; infinities count as no sample.
        signals: by name; each key's signal is among them.
        step: seconds between evaluations to come.

    Raises:
        KeyError: a series' signal is unknown.
        ValueError: the history has no column, or its shape is not that of its keys, or a step is not positive.
    """
    if step <= 0 or history.step <= 0:
        raise ValueError(f"steps must be positive, not {step} and {history.step}")
    if history.values.ndim != 2 or history.values.shape[0] != len(history.keys) or not history.values.shape[1]:
        raise ValueError(f"{len(history.keys)} series cannot have values of shape {history.values.shape}")
    parts = [_learn(of_rows(history, rows), signals, step) for rows in portions(len(history.keys))]
    learnt = Learnt(
        baselines=join([part.baselines for part in parts]),
        history=history,
        left_out=np.concatenate([part.left_out for part in parts]),
        week_of=parts[0].week_of,
        trend=np.concatenate([part.trend for part in parts]),
    )
    return learnt if history.recent is None else replace(learnt, recent=_closer(history.recent, learnt))


def _learn(history: History, signals: Mapping[str, Signal], step: float) -> Learnt:
    chosen = tuple(signals[key.signal] for key in history.keys)
    material = _prepared(history, chosen)
    seasonal = material.seasonal
    baselines = _baselines(history, chosen, material, step)
    # A copy, for a view would keep the trend of all columns.
    return Learnt(baselines, history, seasonal.left_out, seasonal.week_of, seasonal.trend[:, -1].copy())


def times_of(history: History) -> Floats:
    """Return when a history's columns were; shape (columns,)."""
    return history.start + history.step * np.arange(history.values.shape[1], dtype=np.float64)


def clean(history: History) -> Floats:
    """Return the values without infinities and without what is not to be learnt; NaN in their place."""
    values = usable(history.values.astype(np.float64))
    return values if history.unlearnt is None else np.where(history.unlearnt, np.nan, values)


@dataclass(frozen=True, slots=True)
class _Material:
    """A history made ready to learn from.

    Attributes:
        values: the history without what is not learnt from; shape (series, columns).
        stable: the same, stabilised; shape (series, columns).
        times: shape (columns,).
        seasonal: the seasons, with what is expected of each week when it is left out.
        unlearnt: where nothing is learnt, not even that there is no sample; shape (series, columns).
        scales: how each series was stabilised.
        floors: the least change that matters, in each signal's unit; shape (series,).
    """

    values: Floats
    stable: Floats
    times: Floats
    seasonal: Seasonal
    unlearnt: npt.NDArray[np.bool_]
    scales: Scales
    floors: Floats


def _closer(recent: History, learnt: Learnt) -> Learnt:
    """Return the newest of a history at closer steps, and what the whole of it says of them."""
    weeks = np.floor_divide(times_of(recent), WEEK).astype(np.int64) - int(np.floor_divide(learnt.times[0], WEEK))
    # What came since the history's last column may be of a week that it does not know.
    known = np.clip(weeks, 0, learnt.left_out.shape[1] - 1)
    return replace(learnt, history=recent, week_of=known)


def _prepared(history: History, chosen: Sequence[Signal]) -> _Material:
    """Return the history stabilised, with its seasons; `chosen` are the signals of its series."""
    values, times = clean(history), times_of(history)
    floors = np.array([max(signal.floor, 0.0) for signal in chosen], dtype=np.float64)
    scales = choose(values, tuple(signal.kind for signal in chosen), floors, _samples_per_hour(history))
    stable = forward(values, scales)
    return _Material(values, stable, times, find(stable, times), _unlearnt(history), scales, floors)


def _unlearnt(history: History) -> npt.NDArray[np.bool_]:
    return np.zeros(history.values.shape, np.bool_) if history.unlearnt is None else history.unlearnt


def _baselines(history: History, chosen: Sequence[Signal], material: _Material, step: float) -> Baselines:
    """Return what is usual for each series, without limits."""
    values, stable, times, seasonal = material.values, material.stable, material.times, material.seasonal
    kinds = tuple(signal.kind for signal in chosen)
    models = _models(values, times, seasonal)
    usual = levels(values)
    assumed = np.maximum(deviations(usual, kinds, material.scales), YOUNG_NOISE * noise(stable)) + LEAST_SPREAD
    profile = pack(_profile(stable, models, seasonal))
    spread = _spread(stable, times, models, seasonal, assumed)
    moves = _agility(history, residuals(stable, times, seasonal.left_out, seasonal.week_of), spread)
    return Baselines(
        keys=history.keys,
        models=models,
        codes=material.scales.codes,
        offsets=material.scales.offsets,
        centre=profile.centre,
        swing=profile.swing,
        profile=packed(profile.shape),
        mean=profile.shape.mean(axis=1).astype(np.float32),
        spread=spread.astype(np.float32),
        agility=moves.astype(np.float32),
        quiet=_quiet(values, material.unlearnt, material.scales.offsets, times).astype(np.float32),
        floors=material.floors,
        least=least_changes(usual, kinds, material.scales).astype(np.float32),
        bad=np.array([SIGNS[signal.bad] for signal in chosen], dtype=np.int8),
        silence=np.array([signal.silence for signal in chosen], dtype=np.bool_),
        durations=np.array([kind is Kind.DURATION for kind in kinds], dtype=np.bool_),
        shares=np.array([kind is Kind.RATIO for kind in kinds], dtype=np.bool_),
        limits=np.zeros((len(values), 0), np.float32),
        traits=np.zeros((len(values), 0), np.float32),
        samples=np.isfinite(values).sum(1).astype(np.int32),
        span=_span(values, times).astype(np.float32),
        step=step,
    )


def _samples_per_hour(history: History) -> int:
    return max(1, round(HOUR / history.step))


def _profile(stable: Floats, models: Models, seasonal: Seasonal) -> Floats:
    """Return the usual week at history's last level; shape (series, SLOTS)."""
    level = np.where(models == ModelState.SEASONAL, seasonal.trend[:, -1], levels(stable))
    return seasonal.profile + level[:, None]


def _spread(stable: Floats, times: Floats, models: Models, seasonal: Seasonal, assumed: Floats) -> Floats:
    """Return the usual deviation by hour, as assumed where a series is too young to have one; shape (series, 24)."""
    own = spreads(residuals(stable, times, seasonal.left_out, seasonal.week_of) - seasonal.trend, times)
    return np.where((models == ModelState.LEARNING)[:, None], assumed[:, None], own)


def _agility(history: History, residual: Floats, spread: Floats) -> Floats:
    """Return how far each series usually is from its last hour, in deviations; shape (series,)."""
    usual = agility(residual, spread, _samples_per_hour(history))
    if history.counts is None:
        return usual
    # Chance moves a share as much from one sample to the next as it does in the long run.
    return np.where(np.isfinite(history.counts).any(1), np.maximum(usual, 1.0), usual)


def _models(values: Floats, times: Floats, seasonal: Seasonal) -> Models:
    """Return SEASONAL or LEVEL where samples and their span suffice, else LEARNING."""
    enough = (np.isfinite(values).sum(1) >= LEVEL_SAMPLES) & (_span(values, times) >= LEVEL_SPAN)
    mature = np.where(seasonal.seasons == Season.NONE, ModelState.LEVEL, ModelState.SEASONAL)
    return np.where(enough, mature, ModelState.LEARNING).astype(np.int8)


def _span(values: Floats, times: Floats) -> Floats:
    """Return the time from each series' first sample to its last, in seconds; 0 without any; shape (series,)."""
    known = np.isfinite(values)
    first = times[np.argmax(known, axis=1)]
    last = times[values.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)]
    return np.asarray(np.where(known.any(axis=1), last - first, 0.0))


def _quiet(values: Floats, unlearnt: npt.NDArray[np.bool_], offsets: Floats, times: Floats) -> Floats:
    """Return the share of samples since the first that are nothing or missing, by hour; shape (series, 24)."""
    known = np.isfinite(values)
    begun = np.maximum.accumulate(known, axis=1) & ~unlearnt
    idle = begun & is_nothing(values, offsets[:, None])
    hour = np.floor_divide(times % DAY, HOUR).astype(np.int64)
    shares = np.empty((len(values), HOURS_PER_DAY))
    for each in range(HOURS_PER_DAY):
        columns = hour == each
        shares[:, each] = (idle[:, columns].sum(1) + 0.5 * QUIET_PRIOR) / (begun[:, columns].sum(1) + QUIET_PRIOR)
    return shares
