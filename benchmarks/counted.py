"""Services by counts and buckets, as the exporter gives them: faults of few requests, slow or failed.

A generator for `python -m benchmarks.faults --generator benchmarks/counted.py`. What the detector sees is what the
shipped signals' PromQL makes of the counters: the share of errors, and of buckets the 99th percentile and the typical
duration. Of the latter most requests become slower where a tenth that is far slower makes up the average.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.judging import Injected, curve, evaluate
from detector.model import Floats
from exporter.services.histogram import BOUNDS_SECONDS

__all__ = ["WARM", "curve", "evaluate", "make"]

DAY, WEEK = 1440, 7 * 1440
WEEKS, WARM = 5, 3 * WEEK
WINDOW = 2  # minutes that rates are taken over
QUANTILE = 0.99
NOISE_MEMORY = 0.7
RELEASES_PER_WEEK = 1.2
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One series without and with faults, and how many requests its shares are of; each of shape (minutes,)."""

    clean: Floats
    fault: Floats
    counts: Floats


def make(seed: int = 1, per_family: int = 20) -> dict[str, Any]:
    """Return series without faults, the same with two each, and what was injected; shape (series, minutes)."""
    clean: list[Floats] = []
    fault: list[Floats] = []
    counts: list[Floats] = []
    families: list[str] = []
    injected: list[Injected] = []
    for family, kind, draw in (
        ("latency_tail", "tail_only", _tail),
        ("errors", "error_low", _errors),
        ("latency_typical", "bulk_shift", _bulk),
    ):
        for each in range(per_family):
            random = np.random.default_rng([seed, each, len(kind)])
            spans = [_span(random, week) for week in (3, 4)]
            injected += [Injected(len(families), kind, begin, end) for begin, end in spans]
            both = draw(random, spans)
            clean.append(both.clean)
            fault.append(both.fault)
            counts.append(both.counts)
            families.append(family)
    times = 1_700_006_400 + 60 * np.arange(WEEKS * WEEK)
    return {
        "t": times,
        "clean": np.stack(clean),
        "fault": np.stack(fault),
        "counts": np.stack(counts),
        "family": np.array(families),
        "injected": injected,
        "warm": WARM,
    }


def _span(random: np.random.Generator, week: int) -> tuple[int, int]:
    begin = int(random.integers(week * WEEK + 300, (week + 1) * WEEK - 2 * DAY))
    return begin, begin + int(random.integers(60, 181))


def _requests(random: np.random.Generator) -> Counts:
    """Return how many requests there are in each minute, with day, week and wandering noise."""
    minute = np.arange(WEEKS * WEEK)
    swing, peak = random.uniform(0.3, 0.8), random.uniform(0, DAY)
    weekend = np.where(minute // DAY % 7 >= 5, random.uniform(0.4, 1.0), 1.0)
    usual = 60 * random.lognormal(2.5, 1.0) * (1 + swing * np.cos(2 * np.pi * (minute - peak) / DAY)) * weekend
    return random.poisson(np.maximum(usual * np.exp(_wander(random, len(minute), 0.06)), 0.0))


def _wander(random: np.random.Generator, count: int, spread: float) -> Floats:
    steps = random.standard_normal(count) * spread * np.sqrt(1 - NOISE_MEMORY**2)
    for column in range(1, count):
        steps[column] += NOISE_MEMORY * steps[column - 1]
    return np.asarray(steps)


def _errors(random: np.random.Generator, spans: list[tuple[int, int]]) -> _Drawn:
    """Return shares of errors, without and with a small share more."""
    requests = _requests(random)
    usual = random.choice([0.0, 1e-4, 1e-3])
    more = np.zeros(len(requests))
    for begin, end in spans:
        more[begin:end] = random.uniform(0.002, 0.008)
    base, extra = random.binomial(requests, usual), random.binomial(requests, more)
    return _Drawn(_ratio(base, requests), _ratio(base + extra, requests), _rolled(requests).astype(np.float64))


def _ratio(errors: Counts, requests: Counts) -> Floats:
    return np.where(_rolled(requests) > 0, _rolled(errors) / np.maximum(_rolled(requests), 1), np.nan)


def _tail(random: np.random.Generator, spans: list[tuple[int, int]]) -> _Drawn:
    """Return 99th percentiles, without faults and with a few requests several times slower."""
    requests = _requests(random)
    middle = random.lognormal(-3.0, 0.8) * np.exp(_wander(random, len(requests), 0.04))
    for release in np.flatnonzero(random.random(len(requests)) < RELEASES_PER_WEEK / WEEK):
        middle[release : release + int(random.integers(1, 4))] *= random.uniform(1.1, 3.0)
    spread = random.uniform(0.35, 0.7)
    usual = shares_of_buckets(middle, spread)
    slow = usual.copy()
    for begin, end in spans:
        share, factor = random.uniform(0.02, 0.05), random.uniform(3.0, 8.0)
        within = slice(begin, end)
        slow[within] = (1 - share) * usual[within] + share * shares_of_buckets(middle[within] * factor, spread)
    state = random.bit_generator.state
    clean = random.multinomial(requests, usual)
    random.bit_generator.state = state
    return _Drawn(_quantile(clean), _quantile(random.multinomial(requests, slow)), np.full(len(requests), np.nan))


def _bulk(random: np.random.Generator, spans: list[tuple[int, int]]) -> _Drawn:
    """Return typical durations, without faults and with most requests slower."""
    requests = _requests(random)
    middle = random.lognormal(-5.0, 0.8) * np.exp(_wander(random, len(requests), 0.04))
    slower, spread = middle.copy(), random.uniform(0.35, 0.7)
    for begin, end in spans:
        slower[begin:end] *= random.uniform(1.5, 2.5)
    rare = 0.1 * shares_of_buckets(100 * middle * np.exp(_wander(random, len(requests), 0.3)), spread)
    state = random.bit_generator.state
    clean = random.multinomial(requests, 0.9 * shares_of_buckets(middle, spread) + rare)
    random.bit_generator.state = state
    fault = random.multinomial(requests, 0.9 * shares_of_buckets(slower, spread) + rare)
    return _Drawn(_typical(clean), _typical(fault), np.full(len(requests), np.nan))


def _typical(counts: Counts) -> Floats:
    """Read the typical duration from buckets as signals.yml does; NaN where there is hardly any request."""
    total = _rolled(counts)
    bounds = np.array(BOUNDS_SECONDS)
    above = np.concatenate([np.cumsum(np.where(bounds > 1.0, 0.4, 0.2)[::-1])[::-1], [0.0]])
    known = np.maximum(total.sum(axis=1), 1)
    return np.where(total.sum(axis=1) > 0.05 * 60 * WINDOW, 10 ** (1.7 - total @ above / known), np.nan)


def shares_of_buckets(middle: Floats, spread: float) -> Floats:
    """Return the share of log-normal durations in each bucket; shape (minutes, buckets)."""
    distance = (np.log(np.array(BOUNDS_SECONDS))[None, :] - np.log(middle)[:, None]) / spread
    # A logistic curve lies within 0.01 of the normal one, with a somewhat heavier tail.
    below = 1 / (1 + np.exp(-1.702 * distance))
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def _quantile(counts: Counts) -> Floats:
    """Read the quantile from buckets as PromQL's histogram_quantile does; NaN under a request a second."""
    total = np.cumsum(_rolled(counts), axis=1)
    wanted = QUANTILE * total[:, -1]
    bucket = np.minimum((total >= wanted[:, None]).argmax(axis=1), len(BOUNDS_SECONDS) - 1)
    edges = np.array([0.0, *BOUNDS_SECONDS])
    rows = np.arange(len(total))
    before = np.where(bucket > 0, total[rows, np.maximum(bucket - 1, 0)], 0)
    inside = np.maximum(total[rows, bucket] - before, 1)
    value = edges[bucket] + (edges[bucket + 1] - edges[bucket]) * np.clip((wanted - before) / inside, 0.0, 1.0)
    return np.where(total[:, -1] > 60 * WINDOW, value, np.nan)


def _rolled(counts: Counts) -> Counts:
    """Return sums over the window that ends with each minute."""
    return np.asarray(counts + np.concatenate([np.zeros_like(counts[:1]), counts[:-1]]))
