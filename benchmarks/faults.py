"""Judges the detector on generated service series with known faults, at a threshold set beforehand.

usage: python -m benchmarks.faults --generator FILE --seed N --per-family K
       [--seeds M] [--budget X] [--history-step 300] [--incumbents] [--json]

FILE is a Python file with `make`, `evaluate` and `curve`, such as benchmarks/counted.py or faultbench. The
detector is fitted on the three weeks before each judged week and then evaluated minute by minute, exactly as it runs
live: history is as coarse as the product asks for it unless --history-step says otherwise (60: minute by minute too),
and what it alerted on is not learnt from. The threshold is that of a budget of X false alerts per series and week, by
default of as many as the product allows a series at most; beside it stands what other budgets would have given.
`--incumbents` runs what is in use elsewhere over the same series. `--seeds` judges so many seeds, from N on, and then
tells what budgets gave on average, how far seeds differed, and what chance alone would make of so few series-weeks.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy.stats import poisson

from benchmarks.incumbents import INCUMBENTS
from detector.calibration import COARSE, RECENT_SECONDS
from detector.checks.budget import MOST_RATE, strictness
from detector.checks.hold import REMEMBERED, agreed, all_but_one
from detector.config import Config
from detector.evaluation import State, adopt, empty_state, evaluate
from detector.incidents.episodes import Episodes, left_out, remember
from detector.learning.fitting import fit
from detector.model import Bad, Floats, History, Kind, SeriesKey, Signal
from detector.signals import SHIPPED
from detector.signals import load as load_signals

WEEK = 7 * 86_400
HISTORY_WEEKS = 3
SHIPPED_STEP = Config().step
THRESHOLD = 1.0  # the product's: what it alerts on, whatever the budget
PROMISES = (0.03, 0.1, 0.3, 1.0)

# As signals.yml says of such series: kind, direction that harms, least change worth an alert. The generator's faults
# lower memory, queues and CPU as often as they raise them, so both directions count here.
FAMILIES = {
    "rps_large": (Kind.RATE, Bad.BOTH, 0.1),
    "rps_small": (Kind.RATE, Bad.BOTH, 0.1),
    "latency_p50": (Kind.DURATION, Bad.UP, 0.1),
    "latency_p99": (Kind.DURATION, Bad.UP, 0.1),
    "error_rate": (Kind.RATIO, Bad.UP, 0.001),
    "cpu": (Kind.GAUGE, Bad.BOTH, 1.0),
    "memory": (Kind.GAUGE, Bad.BOTH, 1e6),
    "queue": (Kind.GAUGE, Bad.BOTH, 1.0),
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
    """Return one signal per family, and those that are shipped, for families that are named like them."""
    families = [
        Signal(name, name, "", bad, kind, "", "", floor, kind is Kind.RATE, 1)
        for name, (kind, bad, floor) in FAMILIES.items()
    ]
    return [*families, *(signal for signal in load_signals((SHIPPED,)) if signal.name not in FAMILIES)]


@dataclass(frozen=True, slots=True)
class Judging:
    """How series are judged.

    Attributes:
        warm: columns before the first that is.
        workers: processes that fit.
        budget: false alerts per series and week.
        history_step: of what is learnt from, in seconds.
    """

    warm: int
    workers: int
    budget: float
    history_step: float = SHIPPED_STEP


def score(
    values: Floats,
    times: Floats,
    families: list[str],
    judging: Judging,
    counts: Floats | None = None,
    watched: Sequence[Signal] | None = None,
) -> Floats:
    """Return the score that four of five samples reach, at least the threshold while an alert is held.

    Of shape (series, columns), as are the values, and the counts that shares are of, if those are known. `watched` are
    the families' signals; None: those of `signals`.
    """
    known_signals = signals() if watched is None else watched
    keys = tuple(SeriesKey(f"series-{row}", family) for row, family in enumerate(families))
    step = float(times[1] - times[0])
    result, allowed = np.zeros(values.shape), np.full(len(values), strictness(judging.budget))
    state: State = empty_state(keys)
    episodes: Episodes = {}
    week = int(WEEK / step)
    for begin in range(judging.warm, values.shape[1], week):
        history = history_before(keys, times, values, counts, begin, judging)
        baselines = fit(left_out(history, episodes), known_signals, step, judging.workers)
        state = adopt(state, baselines)
        for column in range(begin, min(begin + week, values.shape[1])):
            before = state.held.before
            now = values[:, column]
            behind = None if counts is None else counts[:, column]
            evaluated = evaluate(baselines, state, float(times[column]), now, np.isfinite(now), allowed, behind)
            state, episodes = evaluated.state, remember(episodes, evaluated.findings)
            enough = agreed(before, np.nan_to_num(evaluated.scores.score), step, baselines.durations)
            # An alert is held until it is calm: hovering at the threshold is one alert.
            result[:, column] = np.where(state.held.firing, np.maximum(enough, THRESHOLD), enough)
    return result


def history_before(
    keys: tuple[SeriesKey, ...], times: Floats, values: Floats, counts: Floats | None, begin: int, judging: Judging
) -> History:
    """Return what the product would learn from at a column: weeks of history, its newest days at closer steps."""
    step = float(times[1] - times[0])
    apart = max(1, round(judging.history_step / step))

    def every(columns: int, span: float) -> History:
        known = slice(begin - int(span / step), begin, columns)
        behind = None if counts is None else counts[:, known]
        return History(keys, float(times[known.start]), columns * step, values[:, known], counts=behind)

    history = every(apart, HISTORY_WEEKS * WEEK)
    return replace(history, recent=every(1, RECENT_SECONDS)) if apart > COARSE else history


def judge(generator: ModuleType, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return what issue trackers and people read: false alarms, recall, precision, delay, by kind, and the curve."""
    world = generator.make(seed=seed, per_family=options.per_family)
    families = [str(family) for family in world["family"]]
    times = np.asarray(world["t"], dtype=np.float64)
    warm = int(generator.WARM)
    judging = Judging(warm, options.workers, options.budget, options.history_step)
    scores = {name: score(world[name], times, families, judging, world.get("counts")) for name in ("clean", "fault")}
    weeks = (len(times) - warm) * float(times[1] - times[0]) / WEEK
    result = {"seed": seed, "series": len(families), "judged_weeks": weeks, "budget": options.budget}
    result |= judged(generator, world, scores)
    # One run tells of every budget: a stricter one is a higher threshold on the same scores.
    result["promise"] = {
        str(meant): generator.evaluate(world, scores, strictness(meant) / strictness(options.budget))["fa_week"]
        for meant in PROMISES
    }
    if options.incumbents:
        result["incumbents"] = {
            each.name: judged(generator, world, {name: held(each.score(world[name], times)) for name in scores})
            for each in INCUMBENTS
        }
    return result


def held(found: Floats) -> Floats:
    """Return what four of five samples reach, as the product's own scores are held."""
    padded = np.concatenate([np.zeros((len(found), REMEMBERED)), found], axis=1)
    before = np.lib.stride_tricks.sliding_window_view(padded[:, :-1], REMEMBERED, axis=1)
    return all_but_one(before, found, 5)


def judged(generator: ModuleType, world: dict[str, Any], scores: dict[str, Floats]) -> dict[str, Any]:
    """Return how good scores are at the threshold, and the recall at several rates of false alarms."""
    at_default = generator.evaluate(world, scores, THRESHOLD)
    curve = generator.curve(world, scores)
    return {
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
    print(f"seed {result['seed']}, {result['series']} series, budget {result['budget']} per series and week")
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
    for meant, found in result["promise"].items():
        print(f"  a budget of {meant:>4s}           gives {found:.3f} false alarms per series and week")
    for name, other in result.get("incumbents", {}).items():
        recalls = ", ".join(f"{row['recall']:.2f} at {budget}" for budget, row in other["curve"].items())
        print(f"  {name:24s} {other['fa_per_series_week']:.2f} false alarms, recall {other['recall']:.2f}; {recalls}")


def between_seeds(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return of each budget what seeds gave, and between what 95 of 100 would lie by chance alone."""
    weeks = results[0]["series"] * results[0]["judged_weeks"]
    found = {meant: np.array([result["promise"][meant] for result in results]) for meant in results[0]["promise"]}
    return {
        meant: {
            "mean": float(rates.mean()),
            "least": float(rates.min()),
            "most": float(rates.max()),
            "by_chance_from": float(poisson.ppf(0.025, float(meant) * weeks) / weeks),
            "by_chance_to": float(poisson.ppf(0.975, float(meant) * weeks) / weeks),
        }
        for meant, rates in found.items()
    }


def tell_seeds(budgets: dict[str, dict[str, float]], as_json: bool) -> None:
    """Print what budgets gave over all seeds."""
    if as_json:
        print(json.dumps({"budgets": budgets}))
        return
    for meant, row in budgets.items():
        print(
            f"a budget of {meant:>4s} gave {row['mean']:.3f} on average, {row['least']:.3f} to {row['most']:.3f} "
            f"by seed; by chance alone {row['by_chance_from']:.3f} to {row['by_chance_to']:.3f}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, from --seed on")
    parser.add_argument("--per-family", type=int, default=20)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--budget", type=float, default=MOST_RATE, help="false alerts per series and week")
    parser.add_argument("--history-step", type=float, default=SHIPPED_STEP, help="of what is learnt from, in seconds")
    parser.add_argument("--incumbents", action="store_true", help="judge what is in use elsewhere too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    generator, results = load(options.generator), []
    for seed in range(options.seed, options.seed + options.seeds):
        begun = time.monotonic()
        result = judge(generator, seed, options)
        result["seconds"] = round(time.monotonic() - begun, 1)
        results.append(result)
        if options.json:
            print(json.dumps(result), flush=True)
        else:
            show(result)
            sys.stdout.flush()
    if options.seeds > 1:
        tell_seeds(between_seeds(results), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
