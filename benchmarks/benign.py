"""Counts the alerts on series in which nothing is wrong, and which of them what is harmless causes.

usage: python -m benchmarks.benign --generator FILE [--seed N] [--per-family K] [--alerts-per-week 3] [--json]

FILE is faultbench. Its clean series are judged five times: as they are, with no benign event, and with one kind alone:
deploys (a dip of minutes, then a level a few per cent off), holidays, and glitches of one scrape. The budget is the
product's for a fleet of so many series.

What is judged is what the product ships: each family by the direction that signals.yml gives the signal it is an
example of (SHIPPED_AS), so that a deploy that frees memory, or leaves a service with less to compute, is no fault.
Families like no shipped signal are judged in both directions. Beside it stands, for comparison, what there would be if
both directions harmed everywhere but of durations and errors, as benchmarks.faults has it. Exits with status 1 unless
by the directions that are shipped there were each time fewer alerts than the budget accepts.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.faults import THRESHOLD, Judging, load, score, signals
from detector.checks.budget import MOST_RATE
from detector.model import Floats, Signal
from detector.signals import SHIPPED
from detector.signals import load as load_signals

EVENTS = ("deploys", "holidays", "glitches")
WORLDS = {"all": EVENTS, "none": (), **{event: (event,) for event in EVENTS}}
SHIPPED_AS = {
    "rps_large": "requests",
    "rps_small": "requests",
    "latency_p50": "latency",
    "latency_p99": "latency_tail",
    "error_rate": "errors",
    "cpu": "cpu",
    "memory": "memory",
    "business": "business_events",
    "conns": "connections",
}
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


def shipped(known: Sequence[Signal]) -> list[Signal]:
    """Return the families' signals by the directions that are shipped."""
    named = {signal.name: signal for signal in load_signals((SHIPPED,))}
    return [replace(each, bad=named[SHIPPED_AS[each.name]].bad) if each.name in SHIPPED_AS else each for each in known]


def counted(options: argparse.Namespace, rate: float) -> dict[str, Any]:
    """Return how many alerts each world's clean series cause, by family, `rate` being of a series and week.

    By the directions that are shipped, and by those of benchmarks.faults.
    """
    worlds = {name: without(options.generator, kept) for name, kept in WORLDS.items()}
    made = {name: each.make(seed=options.seed, per_family=options.per_family) for name, each in worlds.items()}
    generator, first = worlds["all"], made["all"]
    families = [str(family) for family in first["family"]]
    values = np.concatenate([each["clean"] for each in made.values()])
    times, warm = np.asarray(first["t"], dtype=np.float64), int(generator.WARM)
    accepted = rate * len(families) * (generator.WEEKS - warm // generator.WEEK)
    judging, result = Judging(warm, options.workers, rate), {}
    for judged, watched in (("as shipped", shipped(signals())), ("both directions", signals())):
        # Together the worlds take far less time than one after another.
        found = score(values, times, families * len(made), judging, watched=watched)
        alerts = np.array([len(generator.edges(row, THRESHOLD)) for row in found]).reshape(len(made), len(families))
        result[judged] = {
            name: {
                "accepted": accepted,
                "alerts": int(row.sum()),
                "by_family": {each: int(row[first["family"] == each].sum()) for each in generator.FAMILIES},
            }
            for name, row in zip(made, alerts, strict=True)
        }
    return result


def show(result: dict[str, Any]) -> None:
    """Print how many alerts there were in each world."""
    for judged, worlds in result.items():
        print(judged)
        for name, each in worlds.items():
            families = ", ".join(f"{family} {count}" for family, count in each["by_family"].items() if count)
            print(f"  {name:10s} {each['alerts']:3d} alerts, {each['accepted']:.1f} accepted  {families}")


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
        show(result)
    return int(any(each["alerts"] >= each["accepted"] for each in result["as shipped"].values()))


if __name__ == "__main__":
    sys.exit(main())
