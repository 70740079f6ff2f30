"""Judges the first day of new services: by priors of their signal and class, as learnt from the fleet, and without.

usage: python -m benchmarks.cold --generator FILE [--seed N] [--per-family K] [--json]

FILE is a Python file with `make` as benchmarks.faults takes it. One half of each family's series are the fleet, three
weeks old; the other half are new: each begins at some minute within the first hour, the first six hours or the first
day before a fault, and without one at random minutes. They are learnt from and judged as the product does, every
half hour and every minute; of faults the first six hours count. `kinds` assumes of a new series what its kind of data
says, and no more; `likeness` what the fleet's series of its signal and class say, too.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults import Judging, history_before, load, signals
from detector.baselines import Baselines
from detector.checks.budget import MOST_RATE, strictness
from detector.evaluation import adopt, empty_state, evaluate
from detector.learning.fitting import fit, prior
from detector.likeness.priors import Priors, gathered
from detector.likeness.young import assumed
from detector.model import Floats, History, SeriesKey

STEP, HOUR, DAY, WEEK = 60.0, 60, 1440, 7 * 1440  # seconds; minutes
LEARNT_EVERY = 30
FIRST = 20  # the least age at which there is a verdict
AGES = {"first hour": (FIRST, HOUR), "first six hours": (HOUR, 6 * HOUR), "first day": (6 * HOUR, DAY)}
FAULT_MINUTES = 6 * HOUR
GRACE_MINUTES, MERGED_MINUTES = 5, 60
BIRTHS = 3  # of each series without a fault
CLASS = "generated"


@dataclass(frozen=True, slots=True)
class Newcomers:
    """New series, each beginning with its first column; `begin` and `end` are its fault's columns."""

    values: Floats
    families: list[str]
    begin: np.ndarray
    end: np.ndarray
    kinds: list[str]


def newcomers(world: dict[str, Any], rows: Sequence[int], ages: tuple[int, int], random: np.random.Generator) -> Any:
    """Return series that are of some age when their fault begins."""
    of = [fault for fault in world["faults"] if fault["series"] in set(rows)]
    age = random.integers(*ages, len(of))
    columns = ages[1] + FAULT_MINUTES + GRACE_MINUTES + 1
    values = np.full((len(of), columns), np.nan)
    for row, fault in enumerate(of):
        born = fault["start"] - age[row]
        lived = world["fault"][fault["series"], born : born + columns]
        values[row, : len(lived)] = lived
    length = np.minimum([fault["end"] - fault["start"] for fault in of], FAULT_MINUTES)
    families = [str(world["family"][fault["series"]]) for fault in of]
    return Newcomers(values, families, age, age + length, [str(fault["kind"]) for fault in of])


def unharmed(world: dict[str, Any], rows: Sequence[int], warm: int, random: np.random.Generator) -> Newcomers:
    """Return a day of series in which nothing is wrong."""
    every = [row for row in rows for _ in range(BIRTHS)]
    born = random.integers(warm, world["clean"].shape[1] - DAY, len(every))
    values = np.stack([world["clean"][row, begin : begin + DAY] for row, begin in zip(every, born, strict=True)])
    nothing = np.full(len(every), DAY)
    return Newcomers(values, [str(world["family"][row]) for row in every], nothing, nothing, [""] * len(every))


def firing(new: Newcomers, priors: Priors | None, start: float) -> np.ndarray:
    """Return at which minutes of their life alerts are held; `priors` None: only kinds say what to assume."""
    watched = signals()
    named = {signal.name: signal for signal in watched}
    keys = tuple(SeriesKey(f"new-{row}", family) for row, family in enumerate(new.families))
    classes = {key.service_name: CLASS for key in keys}

    def told(baselines: Baselines) -> Baselines:
        return baselines if priors is None else assumed(baselines, classes, priors, named)

    baselines, state = told(prior(keys, watched, STEP)), empty_state(keys)
    allowed = np.full(len(keys), strictness(MOST_RATE))
    held = np.zeros(new.values.shape, np.bool_)
    for column in range(new.values.shape[1]):
        if column and column % LEARNT_EVERY == 0:
            history = _lived(keys, new.values[:, :column], start)
            baselines = told(fit(history, watched, STEP))
            state = adopt(state, baselines)
        now = new.values[:, column]
        evaluated = evaluate(baselines, state, start + column * STEP, now, np.isfinite(now), allowed)
        state = evaluated.state
        held[:, column] = state.held.firing
    return held


def _lived(keys: tuple[SeriesKey, ...], values: Floats, start: float) -> History:
    recent = History(keys, start, STEP, values)
    return History(keys, start, 5 * STEP, values[:, ::5], recent=recent)


def begins(held: np.ndarray) -> list[np.ndarray]:
    """Return the minutes at which each series' alerts begin; what comes back within the hour is the same alert."""
    found = []
    for row in held:
        at = np.flatnonzero(row)
        found.append(at[np.insert(np.diff(at) > MERGED_MINUTES, 0, True)] if len(at) else at)
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return false alarms and recall by age, with and without what the fleet is like."""
    generator = load(options.generator)
    world, warm = generator.make(seed=options.seed, per_family=options.per_family), int(generator.WARM)
    times = np.asarray(world["t"], dtype=np.float64)
    old = [row for row in range(len(world["family"])) if row % 2 == 0]
    rest = [row for row in range(len(world["family"])) if row % 2 == 1]
    keys = tuple(SeriesKey(f"old-{row}", str(world["family"][row])) for row in old)
    judging = Judging(warm, options.workers, MOST_RATE)
    fleet = fit(history_before(keys, times, world["clean"][old], None, warm, judging), signals(), STEP, options.workers)
    priors = gathered(fleet, {key.service_name: CLASS for key in keys})
    return {
        name: _judged(world, rest, warm, each, np.random.default_rng(options.seed))
        for name, each in (("kinds", None), ("likeness", priors))
    }


def _judged(
    world: dict[str, Any], rows: list[int], warm: int, priors: Priors | None, random: np.random.Generator
) -> dict[str, Any]:
    start, result = float(world["t"][warm]), {}
    calm = begins(firing(unharmed(world, rows, warm, random), priors, start))
    for age, span in AGES.items():
        new = newcomers(world, rows, span, random)
        told = begins(firing(new, priors, start))
        within = [
            at[(at >= begin) & (at <= end + GRACE_MINUTES)]
            for at, begin, end in zip(told, new.begin, new.end, strict=True)
        ]
        found = np.array([len(at) > 0 for at in within])
        delays = [int(at[0] - begin) for at, begin in zip(within, new.begin, strict=True) if len(at)]
        false = sum(int((at < span[1]).sum()) for at in calm)
        result[age] = {
            "false_alarms_per_series": false / len(calm),
            "recall": float(found.mean()),
            "median_delay_minutes": float(np.median(delays)) if delays else None,
            "by_kind": {
                kind: float(found[[each == kind for each in new.kinds]].mean()) for kind in sorted(set(new.kinds))
            },
        }
    return result


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    for name, ages in result.items():
        for age, row in ages.items():
            delay = "-" if row["median_delay_minutes"] is None else f"{row['median_delay_minutes']:.0f} min"
            print(
                f"{name:10s} {age:16s} recall {row['recall']:.2f}  delay {delay:>7s}  "
                f"{row['false_alarms_per_series']:.3f} false alarms per series until its end"
            )
            print(" " * 28 + ", ".join(f"{kind} {recall:.2f}" for kind, recall in row["by_kind"].items()))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-family", type=int, default=12)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    result = measure(options)
    print(json.dumps(result)) if options.json else show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
