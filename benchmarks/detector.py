"""Measures the detector's numerics: fitting and evaluating many series, and what one series costs in memory.

usage: python -m benchmarks.detector [--series 1000 ...] [--days 28] [--step 300] [--json]
"""

import argparse
import json
import os
import sys
import time

import numpy as np

from detector.baselines.arrays import ARRAYS, Baselines
from detector.evaluation import State, empty_state, evaluate
from detector.fitting import fit
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal

DAY = 86_400.0
BEGIN = 1_700_006_400.0
EVALUATIONS = 20
INTERVAL = 60.0
SIGNALS = (
    Signal("requests", "", "requests per second", Bad.BOTH, Kind.RATE, "", "", 0.1, True, 2),
    Signal("errors", "", "share", Bad.UP, Kind.RATIO, "", "", 0.01, False, 1),
    Signal("latency", "", "seconds", Bad.UP, Kind.DURATION, "", "", 0.02, False, 3),
    Signal("cpu", "", "cores", Bad.BOTH, Kind.GAUGE, "", "", 0.1, False, 4),
)


def simulate(series: int, times: Floats, seed: int) -> Floats:
    """Return busy days and calm weekends with noise; shape (series, times), each signal in turn."""
    random = np.random.default_rng(seed)
    hour = 2 * np.pi * (times % DAY) / DAY
    weekend = np.where((times // DAY) % 7 >= 5, 0.6, 1.0)
    values = np.empty((series, len(times)))
    for row in range(series):
        season = (1 + random.uniform(0.3, 0.8) * np.sin(hour + random.uniform(0, 6))) * weekend
        noise = np.exp(0.05 * random.standard_normal(len(times)))
        rate = random.lognormal(3, 1) * season
        kind = row % len(SIGNALS)
        if kind == 0:
            values[row] = random.poisson(rate * 120) / 120
        elif kind == 1:
            values[row] = random.poisson(rate * 0.12) / np.maximum(rate * 120, 1)
        elif kind == 2:
            values[row] = 0.005 * noise * np.sqrt(season)
        else:
            values[row] = 0.02 * rate * noise
    return values


def keys(series: int) -> tuple[SeriesKey, ...]:
    """Return one key per series."""
    return tuple(SeriesKey(f"service-{row // 4}", SIGNALS[row % 4].name) for row in range(series))


def memory(baselines: Baselines, state: State) -> int:
    """Return the bytes of all arrays kept between evaluations."""
    kept = [getattr(baselines, name) for name in ARRAYS]
    for part in (state.memory, state.held):
        kept += [getattr(part, name) for name in type(part).__slots__]
    return int(sum(array.nbytes for array in kept))


def measure(series: int, days: float, step: float, workers: int) -> dict[str, float]:
    """Fit and evaluate so many series."""
    times = BEGIN + step * np.arange(int(days * DAY / step), dtype=np.float64)
    history = History(keys(series), float(times[0]), step, simulate(series, times, 1))
    begun = time.perf_counter()
    baselines = fit(history, SIGNALS, INTERVAL, workers)
    fit_seconds = time.perf_counter() - begun
    live = float(times[-1]) + INTERVAL * np.arange(1, EVALUATIONS + 1, dtype=np.float64)
    points = simulate(series, live, 1)
    state = empty_state(baselines.keys)
    begun = time.perf_counter()
    for column, at in enumerate(live):
        state = evaluate(baselines, state, float(at), points[:, column]).state
    evaluate_seconds = (time.perf_counter() - begun) / EVALUATIONS
    return {
        "fit_s": round(fit_seconds, 2),
        "evaluate_s": round(evaluate_seconds, 5),
        "bytes_per_series": round(memory(baselines, state) / series),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1_000])
    parser.add_argument("--days", type=float, default=28)
    parser.add_argument("--step", type=float, default=300)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results = {str(n): measure(n, options.days, options.step, options.workers) for n in options.series}
    if options.json:
        print(json.dumps(results))
        return 0
    print(f"{'series':>8s} {'fit s':>8s} {'evaluate s':>11s} {'bytes/series':>13s}")
    for name, row in results.items():
        print(f"{name:>8s} {row['fit_s']:8.2f} {row['evaluate_s']:11.5f} {row['bytes_per_series']:13.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
