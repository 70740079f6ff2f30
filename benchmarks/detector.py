"""Measures the detector's numerics: fitting and evaluating many series, and what one series costs in memory.

usage: python -m benchmarks.detector [--series 1000 ...] [--days DAYS] [--step 300] [--json] [--prometheus]

With --prometheus, end to end: the same number of series is pulled from a real Prometheus that holds their history (its
own programs are on PATH or are unpacked from Debian's packages), both on --cores cores. That takes 1.7 MB of disk for a
series and 28 days, hence a quarter of a day unless --days says otherwise: what is timed reads the newest minutes only.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.stored import SIGNALS_PER_SERVICE, STEP, prometheus, write
from detector.app import ANSWER_BYTES, QUERIES_AT_ONCE
from detector.baselines.arrays import ARRAYS, Baselines
from detector.baselines.profiles import Held
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.matrix import Grid
from detector.clients.prometheus import Prometheus
from detector.evaluation import State, empty_state, evaluate
from detector.history.ask import Histories
from detector.history.spool import ROWS_AT_ONCE
from detector.incidents.lifecycle import Rules
from detector.learning.fitting import fit_each
from detector.learning.pools import processes
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal
from detector.pull import Puller
from detector.reader import Reader
from detector.signals import SHIPPED, load
from detector.watch import Knowledge, Terms, refitted, step
from quickstart.debian import Tree, obtain
from toolkit.memory import give_back

DAY = 86_400.0
BEGIN = 1_700_006_400.0
EVALUATIONS = 20
DAYS, STORED_DAYS = 28.0, 0.25
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


def simulated(series: int, times: Floats) -> Iterator[History]:
    """Give the same history a few series at a time, as it comes of Prometheus."""
    every = keys(series)
    for begin in range(0, series, ROWS_AT_ONCE):
        some = every[begin : begin + ROWS_AT_ONCE]
        yield History(some, float(times[0]), float(times[1] - times[0]), simulate(len(some), times, begin))


def keys(series: int) -> tuple[SeriesKey, ...]:
    """Return one key per series."""
    return tuple(SeriesKey(f"service-{row // 4}", SIGNALS[row % 4].name) for row in range(series))


def memory(baselines: Baselines, state: State) -> int:
    """Return the bytes of all arrays kept between evaluations."""
    kept = [getattr(baselines, name) for name in ARRAYS] + [baselines.profile.places]
    kept += [table.values for table in baselines.profile.tables if isinstance(table, Held)]
    for part in (state.memory, state.held):
        kept += [getattr(part, name) for name in type(part).__slots__]
    return int(sum(array.nbytes for array in kept))


def measure(series: int, days: float, step: float, workers: int) -> dict[str, float]:
    """Fit and evaluate so many series."""
    times = BEGIN + step * np.arange(int(days * DAY / step), dtype=np.float64)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        baselines = fit_each(simulated(series, times), SIGNALS, INTERVAL, processes(workers), folder=Path(folder))
    fit_seconds = time.perf_counter() - begun
    assert baselines is not None
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


def measure_stored(series: int, days: float, workers: int, tree: Tree) -> dict[str, float]:
    """Pull, fit and evaluate so many series from a real Prometheus."""
    services = -(-series // SIGNALS_PER_SERVICE)
    end = int(time.time()) // STEP * STEP
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        samples = write(folder / "history.txt", services, end, days, 1)
        with prometheus(tree, folder, folder / "history.txt") as url:
            prepared = time.perf_counter() - began
            measured = _end_to_end(url, Path(name), end, days, workers)
            return {"samples": samples, "prepare_s": round(prepared, 1), **measured}


def _end_to_end(url: str, folder: Path, end: int, days: float, workers: int) -> dict[str, float]:
    signals = load((SHIPPED,))
    client = Prometheus(Endpoint(url, Credentials(), 60.0, ANSWER_BYTES), lambda _: None, lambda _: None)
    rules = Rules(interval=INTERVAL, recovery=2 * INTERVAL, wait=2 * INTERVAL)
    terms = Terms({signal.name: signal for signal in signals}, rules, INTERVAL, 2 * INTERVAL, 1_000_000)
    columns = int(days * DAY / STEP)
    with ThreadPoolExecutor(QUERIES_AT_ONCE) as executor:
        reader = Reader(signals)
        puller = Puller(client, signals, terms.window, executor, reader)
        clock = time.perf_counter
        idle, times = resident_bytes(), [clock()]
        histories = Histories(client, signals, terms.window, reader)
        history = histories.all(Grid(end - (columns - 1) * STEP, STEP, columns), folder)
        knowledge = refitted(Knowledge(), fit_each(history, signals, INTERVAL, processes(workers), folder=folder))
        times.append(clock())
        give_back()
        for _ in range(2):
            last = step(knowledge, puller.observe(Grid(end, INTERVAL, 1)), 0, terms)
            times.append(clock())
    assert last.scores is not None
    learnt, _, evaluated = np.diff(times)
    return {
        "series": len(last.keys),
        "judged": int(np.isfinite(last.scores.score).sum()),
        "learn_s": round(float(learnt), 2),
        "evaluate_s": round(float(evaluated), 2),
        "total_s": round(times[2] - times[0], 2),
        "resident_bytes_per_series": round((resident_bytes() - idle) / len(last.keys)),
        "peak_bytes_per_series": round((peak_bytes() - idle) / len(last.keys)),
    }


def resident_bytes() -> int:
    """Return how much of this process is in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_bytes() -> int:
    """Return how much of this process was in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Keep this process and those that it starts on so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _stored(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    tree = obtain(("prometheus", "promtool"), Path(".larimar/packages"), os.environ)
    with on_cores(options.cores):
        return {str(n): measure_stored(n, options.days, options.workers, tree) for n in options.series}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, nargs="+", default=[1_000])
    parser.add_argument("--days", type=float, help=f"of history: {DAYS:g}, {STORED_DAYS} with --prometheus")
    parser.add_argument("--step", type=float, default=300)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--prometheus", action="store_true")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.days is None:
        options.days = STORED_DAYS if options.prometheus else DAYS
    if options.prometheus:
        results = _stored(options)
    else:
        results = {str(n): measure(n, options.days, options.step, options.workers) for n in options.series}
    if options.json:
        print(json.dumps(results))
        return 0
    if options.prometheus:
        _print_stored(results)
    else:
        _print(results)
    return 0


def _print_stored(results: dict[str, dict[str, float]]) -> None:
    for row in results.values():
        print("\n".join(f"{name:26s} {value:12g}" for name, value in row.items()), end="\n\n")


def _print(results: dict[str, dict[str, float]]) -> None:
    print(f"{'series':>8s} {'fit s':>8s} {'evaluate s':>11s} {'bytes/series':>13s}")
    for name, row in results.items():
        print(f"{name:>8s} {row['fit_s']:8.2f} {row['evaluate_s']:11.5f} {row['bytes_per_series']:13.0f}")


if __name__ == "__main__":
    sys.exit(main())
