"""What flows through the detector: signals, series, baselines' expectations, scores, findings, incidents, alerts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Samples = npt.NDArray[np.floating]  # single precision where there are very many
Seconds = float
"""Seconds since the epoch, or a difference of two."""


class Bad(StrEnum):
    """In which direction a departure from the usual harms."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Kind(StrEnum):
    """What kind of numbers a signal's series holds; decides how it is stabilised and how small a change may matter."""

    RATE = "rate"  # events per second, never negative
    RATIO = "ratio"  # share in [0, 1] of counted events
    DURATION = "duration"  # seconds
    GAUGE = "gauge"  # any level
    BOUNDED = "bounded"  # a share of a limit, in [0, 1]


class Symptom(StrEnum):
    """What a departure of a signal says about where its cause is."""

    LOAD = "load"  # work that arrives: its cause is with whoever sends it
    HARM = "harm"  # work done badly or not at all: its cause is here or with what this calls
    USE = "use"  # what is consumed: follows load, and explains neither caller nor callee


class Way(StrEnum):
    """How a series departs."""

    AWAY = "away"  # from what is expected, for a moment or for long
    RESTLESS = "restless"  # its neighbouring values differ more than usual
    STILL = "still"  # it repeats one value
    ENDLESS = "endless"  # a job that does not end
    LATE = "late"  # a job that does not begin


class Severity(StrEnum):
    """The `severity` label's values."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing worth watching of every service, from `signals.yml`.

    Attributes:
        name: the `signal` label's value.
        query: PromQL giving one series per service, labelled `service_name`; `$window` is the rate window.
        unit: base unit in the words of an explanation, such as `seconds` or `requests per second`.
        bad: in which direction a departure harms.
        kind: what kind of numbers it gives.
        meaning: one sentence: what it means for users when this departs.
        advice: one sentence: where to look first.
        floor: the least change worth an alert, in the signal's unit.
        silence: whether falling to nothing, or vanishing, is itself an anomaly.
        priority: which signal names an incident when several depart at once; lower first.
        symptom: whether it speaks of load, harm or use; decides how incidents of callers and callees are joined.
        severity: how urgent an alert led by this signal is.
        counts: PromQL giving how many events within `$window` a ratio is a share of, one series per service, so that
            few are not taken for many; empty if that is unknown.
        packets: whether it is taken from packets, so that sampling and loss make it less certain.
        calls: whether it gives one series per service and `server` that it calls, instead of one per service.
        history: how far back it is learnt from at most, in seconds.
        remaining: PromQL giving the seconds until a limit is reached at the present pace, one series per service; empty
            where there is no limit.
        every: asked for no more often than this, in seconds; in between it stays as it was.
        kinds: of a signal that tells for an hour of what a service never did before, PromQL giving how many different
            things each does, one series per service. The costly query is then asked only of services whose number
            changed lately (see `novelty`); empty: always of all.
    """

    name: str
    query: str
    unit: str
    bad: Bad
    kind: Kind
    meaning: str
    advice: str
    floor: float
    silence: bool
    priority: int
    symptom: Symptom = Symptom.HARM
    severity: Severity = Severity.WARNING
    counts: str = ""
    packets: bool = False
    calls: bool = False
    history: Seconds = math.inf
    remaining: str = ""
    every: Seconds = 0.0
    kinds: str = ""


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Identifies one watched series.

    Attributes:
        service_name: whose it is.
        signal: what of it.
        server: of a signal of calls, whom it calls; else empty.
    """

    service_name: str
    signal: str
    server: str = ""

    @classmethod
    def of(cls, names: Sequence[object]) -> Self:
        """Read what `names` gave. Raises ValueError."""
        if len(names) not in (2, 3):
            raise ValueError(f"{names!r} names no series")
        return cls(*map(str, names))

    def names(self) -> list[str]:
        """What identifies it, as it is stored."""
        return [self.service_name, self.signal, self.server] if self.server else [self.service_name, self.signal]


@dataclass(frozen=True, slots=True)
class History:
    """Many series on one time grid.

    Attributes:
        keys: one per row.
        start: time of the first column, a whole multiple of `step`.
        step: seconds between columns.
        values: shape (series, columns), in each signal's unit; NaN where there is no sample.
        unlearnt: where nothing is to be learnt, not even that there is no sample; shape (series, columns), None:
            nowhere.
        counts: how many events each share is of; shape (series, columns), NaN where unknown; None: unknown of all.
        recent: the newest of the same series, as closely as they are evaluated; None where `values` are as close.
    """

    keys: tuple[SeriesKey, ...]
    start: Seconds
    step: Seconds
    values: Samples
    unlearnt: npt.NDArray[np.bool_] | None = None
    counts: Samples | None = None
    recent: "History | None" = None


def of_rows(history: History, rows: "slice | npt.NDArray[np.int64]") -> History:
    """Return the history of some series, in their order."""
    numbers = np.arange(len(history.keys))[rows]
    recent = None if history.recent is None else of_rows(history.recent, rows)
    return replace(_cut(history, rows), keys=tuple(history.keys[row] for row in numbers), recent=recent)


def columns_of(history: History, columns: npt.NDArray[np.int64]) -> History:
    """Return some neighbouring columns of a history, none of them at closer steps."""
    start = history.start + history.step * int(columns[0])
    return replace(_cut(history, (slice(None), columns)), start=start, recent=None)


def _cut(history: History, where: Any) -> History:
    return replace(
        history,
        values=history.values[where],
        unlearnt=None if history.unlearnt is None else history.unlearnt[where],
        counts=None if history.counts is None else history.counts[where],
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One series that departs from the usual, held until enough samples agreed.

    Attributes:
        key: which series.
        at: the evaluation's time.
        since: the evaluation at which it was first out of its band.
        score: above 1 is anomalous.
        observed: NaN where the series vanished.
        expected, lower, upper: what is usual now and its band.
        silent: whether it fell to nothing or vanished.
        trend: its level without any season, which explains the rest of what is expected; NaN if unknown.
        way: how it departs.
    """

    key: SeriesKey
    at: Seconds
    since: Seconds
    score: float
    observed: float
    expected: float
    lower: float
    upper: float
    silent: bool
    trend: float = math.nan
    way: Way = Way.AWAY


@dataclass(frozen=True, slots=True)
class Alert:
    """What Alertmanager is told, by its API version 2.

    Attributes:
        labels: the identity; the same from every detector, stable over the incident's life.
        annotations: what a person reads.
        starts_at: when the trouble began.
        ends_at: when it ended, or when to forget it if nothing more is heard.
        generator_url: where the numbers can be looked at.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Seconds
    ends_at: Seconds
    generator_url: str
