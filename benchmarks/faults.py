"""Judges the detector on generated service series with known faults, at its own default threshold.

usage: python -m benchmarks.faults --generator FILE --seed N --per-family K [--json]

FILE is a Python file with `make`, `evaluate` and `curve`, such as the project's faultbench. The detector is fitted on
the three weeks before each judged week and then evaluated minute by minute, exactly as it runs live.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from detector.checks.hold import second_of_three
from detector.evaluation import State, adopt, empty_state, evaluate
from detector.fitting import fit
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal

WEEK = 7 * 86_400
HISTORY_WEEKS = 3
THRESHOLD = 1.0  # the product's: what it alerts on

# What signals.yml says of such series: kind, direction that harms, least change worth an alert.
FAMILIES = {
    "rps_large": (Kind.RATE, Bad.BOTH, 0.1),
    "rps_small": (Kind.RATE, Bad.BOTH, 0.1),
    "latency_p50": (Kind.DURATION, Bad.UP, 0.1),
    "latency_p99": (Kind.DURATION, Bad.UP, 0.1),
    "error_rate": (Kind.RATIO, Bad.UP, 0.001),
    "cpu": (Kind.GAUGE, Bad.BOTH, 1.0),
    "memory": (Kind.GAUGE, Bad.UP, 1e6),
    "queue": (Kind.GAUGE, Bad.UP, 1.0),
    "counter_rate": (Kind.RATE, Bad.BOTH, 0.1),
    "batch": (Kind.RATE, Bad.BOTH, 0.1),
    "business": (Kind.RATE, Bad.BOTH, 0.1),
    "conns": (Kind.GAUGE, Bad.BOTH, 1.0),
}


def load(path: Path) -> ModuleType:
    """Import the generator from its file."""
    spec = importlib.util.spec_from_file_location("generator", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def signals() -> list[Signal]:
    """Return one signal per family."""
    return [
        Signal(name, name, "", bad, kind, "", "", floor, kind is Kind.RATE, 1)
        for name, (kind, bad, floor) in FAMILIES.items()
    ]


def score(values: Floats, times: Floats, families: list[str], warm: int, workers: int) -> tuple[Floats, Floats]:
    """Return the score that two of three samples reach, at least the threshold while an alert is held, and its check.

    Both of shape (series, columns).
    """
    keys = tuple(SeriesKey(f"series-{row}", family) for row, family in enumerate(families))
    step = float(times[1] - times[0])
    result, checks = np.zeros(values.shape), np.zeros(values.shape)
    state: State = empty_state(keys)
    week = int(WEEK / step)
    for begin in range(warm, values.shape[1], week):
        known = slice(begin - HISTORY_WEEKS * week, begin)
        history = History(keys, float(times[known.start]), step, values[:, known])
        baselines = fit(history, signals(), step, workers)
        state = adopt(state, baselines)
        for column in range(begin, min(begin + week, values.shape[1])):
            before = state.held.before
            evaluated = evaluate(
                baselines, state, float(times[column]), values[:, column], np.isfinite(values[:, column])
            )
            state = evaluated.state
            agreed = second_of_three(before, np.nan_to_num(evaluated.scores.score))
            # An alert is held until it is calm: hovering at the threshold is one alert.
            result[:, column] = np.where(state.held.firing, np.maximum(agreed, THRESHOLD), agreed)
            checks[:, column] = evaluated.scores.check
    return result, checks


def judge(generator: ModuleType, seed: int, per_family: int, workers: int) -> dict[str, Any]:
    """Return what issue trackers and people read: false alarms, recall, precision, delay, by kind, and the curve."""
    world = generator.make(seed=seed, per_family=per_family)
    families = [str(family) for family in world["family"]]
    times = np.asarray(world["t"], dtype=np.float64)
    warm = int(generator.WARM)
    scores = {name: score(world[name], times, families, warm, workers)[0] for name in ("clean", "fault")}
    at_default = generator.evaluate(world, scores, THRESHOLD)
    curve = generator.curve(world, scores)
    return {
        "seed": seed,
        "series": len(families),
        "threshold": THRESHOLD,
        "fa_per_series_week": at_default["fa_week"],
        "recall": at_default["recall"],
        "precision": at_default["precision"],
        "median_delay_minutes": at_default["delay"],
        "by_kind": {
            k: {"recall": v[0], "delay_minutes": v[1], "faults": v[2]} for k, v in at_default["by_kind"].items()
        },
        "fa_by_family": at_default["fa_family"],
        "curve": {str(b): {"recall": r["recall"], "threshold": r["thr"]} for b, r in curve.items()},
    }


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    print(f"seed {result['seed']}, {result['series']} series, threshold {result['threshold']}")
    for name in ("fa_per_series_week", "recall", "precision", "median_delay_minutes"):
        value = result[name]
        print(f"  {name:24s} {'-' if value is None else format(value, '.3f')}")
    for kind, row in sorted(result["by_kind"].items()):
        delay = "-" if row["delay_minutes"] is None else f"{row['delay_minutes']:.0f} min"
        print(f"  {kind:24s} recall {row['recall']:.2f}  delay {delay:>8s}  of {row['faults']}")
    for family, rate in result["fa_by_family"].items():
        print(f"  {family:24s} {rate:.3f} false alarms per series and week")
    for budget, row in result["curve"].items():
        print(f"  at {budget:>5s} false alarms      recall {row['recall']:.2f}  threshold {row['threshold']:.2f}")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-family", type=int, default=20)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    result = judge(load(options.generator), options.seed, options.per_family, options.workers)
    result["seconds"] = round(time.monotonic() - begun, 1)
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
