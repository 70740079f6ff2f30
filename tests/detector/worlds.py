"""Simulated services for the detector's tests: counts in small bins, read as Prometheus reads windows of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal

DAY = 86_400.0
WEEK = 7 * DAY
BIN = 20.0
BEGIN = 1_700_006_400.0  # midnight, UTC
WINDOW = 120.0

REQUESTS = Signal("requests", "", "requests per second", Bad.BOTH, Kind.RATE, "m", "a", 0.5, True, 30)
ERRORS = Signal("errors", "", "share of requests", Bad.UP, Kind.RATIO, "m", "a", 0.01, False, 10)
LATENCY = Signal("latency", "", "seconds", Bad.UP, Kind.DURATION, "m", "a", 0.005, False, 20)
SIGNALS = (REQUESTS, ERRORS, LATENCY)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong from one time to another: share of requests that arrive, share of errors, seconds added."""

    begin: float
    end: float
    arrive: float = 1.0
    errors: float = 0.0
    slower: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """Services with a daily and weekly shape and noise; the same seed gives the same services."""

    seed: int
    services: int = 3

    @property
    def keys(self) -> tuple[SeriesKey, ...]:
        """Every signal of every service."""
        return tuple(SeriesKey(f"service-{n}", signal.name) for n in range(self.services) for signal in SIGNALS)

    def read(self, begin: float, end: float, step: float, fault: Fault | None = None) -> History:
        """Return what queries with WINDOW give at each step."""
        at = np.arange(begin, end, step, dtype=np.float64)
        bins = np.arange(begin - WINDOW, end, BIN, dtype=np.float64)
        rows = [row for service in range(self.services) for row in self._service(service, bins, at, fault)]
        return History(self.keys, begin, step, np.array(rows))

    def _service(self, service: int, bins: Floats, at: Floats, fault: Fault | None) -> list[Floats]:
        shape = np.random.default_rng([self.seed, service])
        rate = shape.uniform(20, 60) * _season(bins, shape)
        random = np.random.default_rng([self.seed, service, int(bins[0])])
        arrive, errors, slower = np.ones(len(bins)), np.full(len(bins), 1e-5), np.zeros(len(bins))
        if fault is not None:
            broken = (bins >= fault.begin) & (bins < fault.end)
            arrive[broken], errors[broken], slower[broken] = fault.arrive, fault.errors, fault.slower
        noise = np.exp(_wander(random, len(bins)))
        requests = random.poisson(rate * BIN * noise * arrive).astype(np.float64)
        failed = random.binomial(requests.astype(np.int64), errors).astype(np.float64)
        each = 0.005 * np.exp(0.1 * random.standard_normal(len(bins))) + slower
        counts = _windows(requests, bins, at)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(counts > 6, _windows(failed, bins, at) / counts, np.nan)
            latency = np.where(counts > 6, _windows(requests * each, bins, at) / counts, np.nan)
        return [counts / WINDOW, ratio, latency]


def _season(times: Floats, shape: np.random.Generator) -> Floats:
    hour = 2 * np.pi * (times % DAY) / DAY
    weekend = np.where(np.floor_divide(times, DAY) % 7 >= 5, shape.uniform(0.4, 0.8), 1.0)
    return np.asarray((1 + shape.uniform(0.4, 0.7) * np.sin(hour + shape.uniform(0, 6))) * weekend)


def _wander(random: np.random.Generator, size: int) -> Floats:
    """Return noise that lasts for minutes: what users do together."""
    kernel = np.ones(15) / np.sqrt(15)
    return np.asarray(0.04 * np.convolve(random.standard_normal(size + 14), kernel, "valid"))


def _windows(counts: Floats, bins: Floats, at: Floats) -> Floats:
    """Return the sum of the bins that lie in the window before each time."""
    total = np.concatenate([[0.0], np.cumsum(counts)])
    last = np.searchsorted(bins, at, side="left")
    first = np.searchsorted(bins, at - WINDOW, side="left")
    return np.asarray(total[last] - total[first])


def missing(values: Floats, columns: npt.NDArray[np.bool_]) -> Floats:
    """Return values with no sample in some columns."""
    return np.where(columns, np.nan, values)
