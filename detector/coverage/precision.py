"""Knows how exactly packets could be counted: the exporter samples under load, and the kernel may drop some."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from detector.model import Floats, Kind, SeriesKey, Signal

Place = TypeVar("Place")

# As the exporters state it: the standard error of the counts of the last minute, over them.
ERRORS = "max by (job, instance) (max_over_time(larimar_capture_sampling_error_ratio[$window]))"
DROPPED = "sum by (job, instance) (rate(larimar_capture_packets_dropped_total[$window]))"
LOSSES = f"{DROPPED} / ({DROPPED} + sum by (job, instance) (rate(larimar_capture_packets_total[$window])) > 0)"
# Others stand for packets that were dropped, so a few only make counts less certain. With more of them missing requests
# and their answers are no longer paired, and what is then counted and timed says nothing of the service.
MOST_LOSS = 0.05


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far observed values may be off, as one standard error; both of shape (series,).

    Attributes:
        share: of the value.
        root: of the value's square root: shares of counted events are off by more the rarer the events are.
    """

    share: Floats
    root: Floats

    def at(self, values: Floats) -> Floats:
        """Return the standard error at some values, in their unit; shape (series,)."""
        return self.share * np.abs(values) + self.root * np.sqrt(np.abs(values))


@dataclass(frozen=True, slots=True)
class Certainty:
    """What can be made of packets.

    Attributes:
        errors: of each service of which not all are counted, the standard error of the counts, over them.
        lossy: services so many of whose packets were lost that nothing is to be made of the others.
    """

    errors: Mapping[str, float] = field(default_factory=dict)
    lossy: frozenset[str] = frozenset()


def certainty(
    homes: Mapping[str, Collection[Place]], errors: Mapping[Place, float], losses: Mapping[Place, float]
) -> Certainty:
    """Return what can be made of the packets of each service.

    Args:
        homes: where each service lives; every place counts alike.
        errors: the standard error of what is counted there, over it; 0 where there is none.
        losses: the share of the packets that were lost there; 0 where there is none.
    """
    sampled, lost = _means(homes, errors), _means(homes, losses)
    names = sorted({*sampled, *lost})
    return Certainty(
        errors={name: math.hypot(sampled.get(name, 0.0), lost.get(name, 0.0)) for name in names},
        lossy=frozenset(name for name, share in lost.items() if share > MOST_LOSS),
    )


def _means(homes: Mapping[str, Collection[Place]], values: Mapping[Place, float]) -> dict[str, float]:
    """Return the means that are not nought."""
    some = {place: value for place, value in values.items() if value > 0}
    if not some:
        return {}
    means = {
        name: sum(some.get(place, 0.0) for place in places) / len(places) for name, places in homes.items() if places
    }
    return {name: mean for name, mean in means.items() if mean > 0}


def doubt(
    keys: Sequence[SeriesKey], signals: Mapping[str, Signal], errors: Mapping[str, float], counts: Floats | None = None
) -> Doubt:
    """Return how far each series may be off.

    Args:
        errors: of services, the standard error of what was counted in packets, over it.
        counts: how many events each share is of, as told by `looked_at`: what is off by chance is off by that alone.
    """
    share, root = np.zeros(len(keys)), np.zeros(len(keys))
    for row, error in _in_doubt(keys, signals, errors):
        if signals[keys[row].signal].kind is not Kind.RATIO:
            share[row] = error
        elif counts is None or np.isnan(counts[row]):
            root[row] = error
    return Doubt(share, root)


def looked_at(
    counts: Floats, keys: Sequence[SeriesKey], signals: Mapping[str, Signal], errors: Mapping[str, float]
) -> Floats:
    """Return how many events were really looked at where some stand for others too; shape (series,).

    A number of N events that n stand for has the relative variance 1/n - 1/N, which is the square of the error.
    """
    known = counts.copy()
    for row, error in _in_doubt(keys, signals, errors):
        if counts[row] > 0:
            known[row] = 1.0 / (1.0 / counts[row] + error**2)
    return known


def _in_doubt(
    keys: Sequence[SeriesKey], signals: Mapping[str, Signal], errors: Mapping[str, float]
) -> Iterator[tuple[int, float]]:
    """Yield the rows of series that are taken from packets not all of which are counted, with their error."""
    for row, key in enumerate(keys) if errors else ():
        signal = signals.get(key.signal)
        if signal is not None and signal.packets and key.service_name in errors:
            yield row, errors[key.service_name]
