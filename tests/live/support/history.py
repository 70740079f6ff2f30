"""Weeks of history as the exporter would have left it in Prometheus, for services that are real and run now."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

MINUTE = 60
DAY = 86_400
WEEK = 7 * DAY
WINDOW_SECONDS = 30
# Within each minute a second sample, so that a rate over the window has two to go by.
EARLIER_SECONDS = 20
# The newest past is as dense as the present: a detector that starts looks back over its last evaluations.
DENSE_SECONDS = 20 * MINUTE
DENSE_STEP = 5
LATENCY_SPREAD = 0.3
# The machine had other work in the past too, as it has when other tests run beside: requests waited for their turn.
MEAN_WAIT_SECONDS = 0.01
WAITS = 9  # that make up each; the more, the more alike
Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Past:
    """One service as it is now, which is how it was before.

    Attributes:
        service_name: the `service_name` label's value.
        protocol: the `protocol` label's value.
        rate: requests per second on average.
        latency: seconds that a request takes on average.
        gauges: metric with its further labels, as `name{label="value"` without the closing brace -> value.
    """

    service_name: str
    protocol: str
    rate: float
    latency: float
    gauges: Sequence[tuple[str, float]]


def season(at: float) -> float:
    """Return how busy it is at a time, relative to the average: by day more than by night, less at weekends."""
    daily = 1 + 0.4 * math.sin(2 * math.pi * (at % DAY) / DAY)
    return daily * (0.8 if (at % WEEK) / DAY > 5 else 1.0)


def write(path: Path, pasts: Sequence[Past], target: str, end: float, weeks: int, seed: int) -> None:
    """Write the weeks before `end`, one sample a minute, as OpenMetrics.

    Args:
        target: the labels that Prometheus gives, as `job="...",instance="..."`.
    """
    chance = np.random.default_rng(seed)
    times = _times(int(end), weeks)
    with path.open("w") as file:
        for name, series in _counters(pasts, times, target, chance).items():
            file.write(f"# TYPE {name} unknown\n")
            file.writelines(series)
        file.write(_series(f"up{{{target}}}", np.ones(len(times)), times))
        for past in pasts:
            for metric, value in past.gauges:
                # Each minute is enough: Prometheus looks five back.
                file.write(_series(f"{metric},{target}}}", np.full(len(times), value)[1::2], times[1::2]))
        file.write("# EOF\n")


def _times(end: int, weeks: int) -> Times:
    """Return the times of the samples: two in each minute, and many in the newest minutes."""
    dense = (end - DENSE_SECONDS) // MINUTE * MINUTE
    minutes = np.arange(end - weeks * WEEK, dense, MINUTE, dtype=np.int64) // MINUTE * MINUTE
    pairs = np.stack([minutes - EARLIER_SECONDS, minutes], axis=1).ravel()
    return np.concatenate([pairs, np.arange(dense, end, DENSE_STEP, dtype=np.int64)])


def _counters(pasts: Sequence[Past], times: Times, target: str, chance: np.random.Generator) -> dict[str, list[str]]:
    """Return each family's series."""
    lines: dict[str, list[str]] = {
        "larimar_requests_total": [],
        "larimar_request_errors_total": [],
        "larimar_request_duration_seconds_sum": [],
        "larimar_request_duration_seconds_count": [],
    }
    passed = np.diff(times, prepend=times[0])
    busy = np.array([season(float(at)) for at in times])
    for past in pasts:
        within = chance.poisson(past.rate * busy * passed).astype(np.float64)
        latency = past.latency * chance.lognormal(0, LATENCY_SPREAD, len(times))
        took = within * (latency + chance.gamma(WAITS, MEAN_WAIT_SECONDS / WAITS, len(times)))
        labels = f'{{service_name="{past.service_name}",role="server",protocol="{past.protocol}",{target}}}'
        for name, increments in zip(lines, (within, 0 * within, took, within), strict=True):
            lines[name].append(_series(name + labels, np.cumsum(increments), times))
    return lines


def _series(name: str, values: Floats, times: Times) -> str:
    return "".join(f"{name} {value:.9g} {at}\n" for value, at in zip(values.tolist(), times.tolist(), strict=True))
