"""Counts the alerts on series in which nothing is wrong, and which of them what is harmless causes.

usage: python -m benchmarks.benign --generator FILE [--seed N] [--per-family K] [--alerts-per-week 3] [--json]

FILE is faultbench. Its clean series are judged five times: as they are, with no benign event, and with one kind alone:
deploys (a dip of minutes, then a level a few per cent off), holidays, and glitches of one scrape. Of CPU and memory
only more harms, as signals.yml says: that a deploy frees memory is no fault. The budget is the product's for a fleet of
so many series. Exits with status 1 unless each time there were fewer alerts than it accepts.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.faults import THRESHOLD, load, score, signals
from detector.checks.budget import MOST_RATE
from detector.model import Bad, Floats

EVENTS = ("deploys", "holidays", "glitches")
WORLDS = {"all": EVENTS, "none": (), **{event: (event,) for event in EVENTS}}
USED = ("cpu", "memory")
GLITCHES = 8e-5  # the generator's share of samples


def without(path: Path, kept: tuple[str, ...]) -> ModuleType:
    """Import the generator so that only some kinds of benign events remain; all else is as it would have been."""
    module = load(path)
    generator: Any = module  # its names are not known here
    deploys, season, render = generator.deploys, generator.season, generator.Series.render
    if "deploys" not in kept:
        # Drawn, and thrown away: so that what is drawn after them stays the same.
        generator.deploys = lambda random, minutes: deploys(random, minutes)[:0]
    if "holidays" not in kept:
        generator.season = lambda random, times, holiday=None, **shape: season(random, times, None, **shape)
    if "glitches" not in kept:
        generator.Series.render = lambda series, *faults: _mended(render(series, *faults), series.seed)
    return module


def _mended(values: Floats, seed: int) -> Floats:
    """Return a series with the neighbour's value in place of each glitch, which are where its second draw says."""
    random = np.random.default_rng(seed)
    random.random(len(values))
    places = np.flatnonzero(random.random(len(values)) < GLITCHES)
    result = values.copy()
    result[places] = values[np.maximum(places - 1, 0)]
    return result


def counted(options: argparse.Namespace, rate: float) -> dict[str, Any]:
    """Return how many alerts each world's clean series cause, by family; `rate` is of a series and week."""
    worlds = {name: without(options.generator, kept) for name, kept in WORLDS.items()}
    made = {name: each.make(seed=options.seed, per_family=options.per_family) for name, each in worlds.items()}
    generator, first = worlds["all"], made["all"]
    families = [str(family) for family in first["family"]]
    values = np.concatenate([each["clean"] for each in made.values()])
    times, warm = np.asarray(first["t"], dtype=np.float64), int(generator.WARM)
    # Together they take far less time than one after another.
    watched = [replace(each, bad=Bad.UP) if each.name in USED else each for each in signals()]
    found = score(values, times, families * len(made), warm, options.workers, rate, watched=watched)
    alerts = np.array([len(generator.edges(row, THRESHOLD)) for row in found]).reshape(len(made), len(families))
    weeks = generator.WEEKS - warm // generator.WEEK
    return {
        name: {
            "accepted": rate * len(families) * weeks,
            "alerts": int(row.sum()),
            "by_family": {each: int(row[first["family"] == each].sum()) for each in generator.FAMILIES},
        }
        for name, row in zip(made, alerts, strict=True)
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-family", type=int, default=20)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--alerts-per-week", type=float, default=3.0, help="of all series of a world together")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    series = options.per_family * len(load(options.generator).FAMILIES)
    result = counted(options, min(options.alerts_per_week / series, MOST_RATE))
    if options.json:
        print(json.dumps(result))
    else:
        for name, each in result.items():
            families = ", ".join(f"{family} {count}" for family, count in each["by_family"].items() if count)
            print(f"{name:10s} {each['alerts']:3d} alerts, {each['accepted']:.1f} accepted  {families}")
    return int(any(each["alerts"] >= each["accepted"] for each in result.values()))


if __name__ == "__main__":
    sys.exit(main())
