"""Measures what series of a signal and a class of service are like, as shipped in detector/likeness/shipped.yml.

usage: python -m benchmarks.priors [--weeks 2] [--seed 11] [--shops 3] > detector/likeness/shipped.yml

Simulated shops (benchmarks/shop.py, nothing wrong with them) are written into a real Prometheus, whose history the
product then learns from by its own queries, as it does anywhere. Each shop's services have other loads and noises.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.calm import PACKAGES, PROGRAMS
from benchmarks.shop import MINUTE, write
from benchmarks.stored import prometheus
from detector.app import ANSWER_BYTES
from detector.baselines.arrays import Baselines
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.prometheus import Prometheus
from detector.config import Config
from detector.history.ask import Histories
from detector.learning.fitting import fit_each
from detector.learning.refit import Plan, grids
from detector.likeness.priors import ANY, Group, measured, traits_known
from detector.likeness.traits import Trait
from detector.model import Floats
from detector.reader import Reader
from detector.signals import SHIPPED, load
from quickstart.debian import Tree, obtain

CLASSES = {
    "gateway": "proxy",
    "shop": "application",
    "payments": "application",
    "mailer": "application",
    "reports": "batch",
    "redis": "cache",
    "postgresql": "database",
}
HEAD = """\
# What series of a signal in services of a class are like, before a fleet's own taught better; likeness/traits.py says
# what the numbers mean. Of each the usual one, and how far series differ. "" is of all classes together.
# Measured in simulated shops by `python -m benchmarks.priors`, of so many series; none of it is tuned to any judgement.
"""


def learnt(tree: Tree, options: argparse.Namespace, seed: int) -> Baselines:
    """Return what the product learns of one shop."""
    signals, settings = load((SHIPPED,)), Config()
    with tempfile.TemporaryDirectory() as name:
        folder, end = Path(name), int(time.time()) // MINUTE * MINUTE
        write(folder / "past.txt", options.weeks, end, seed)
        with prometheus(tree, folder, folder / "past.txt") as url:
            endpoint = Endpoint(url, Credentials(), settings.prometheus_timeout, ANSWER_BYTES)
            asking = Prometheus(endpoint, lambda _: None, lambda _: None)
            histories = Histories(asking, signals, settings.window, Reader(signals))
            plan = Plan(options.weeks * 7 * 86_400.0, settings.step, settings.interval, settings.refit, None)
            whole, recent = grids(plan, float(end))
            baselines = fit_each(histories.all(whole, folder, recent), signals, settings.interval)
    if baselines is None:
        raise SystemExit("the shop left no history")
    return baselines


def text(groups: dict[Group, list[Floats]]) -> str:
    """Return the file's text."""
    lines, before = [HEAD], ""
    for (signal, service_class), traits in sorted(groups.items()):
        found = measured(np.array(traits))
        lines.append("" if signal == before else f"{signal}:\n")
        rows = [
            f"{trait.name.lower()}: [{found.likeness.usual[trait]:.2f}, {found.likeness.differ[trait]:.2f}]"
            for trait in Trait
            if trait is not Trait.STILL  # what is simulated always moves
        ]
        lines.append(f'  "{service_class}": {{series: {len(traits)}, {", ".join(rows)}}}\n')
        before = signal
    return "".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--shops", type=int, default=3)
    options = parser.parse_args(arguments)
    tree = obtain(PROGRAMS, PACKAGES, os.environ)
    groups: dict[Group, list[Floats]] = {}
    for seed in range(options.seed, options.seed + options.shops):
        baselines = learnt(tree, options, seed)
        for row, traits in traits_known(baselines).items():
            key = baselines.keys[row]
            for service_class in (ANY, CLASSES[key.service_name]):
                groups.setdefault((key.signal, service_class), []).append(traits)
        print(f"shop {seed}: {len(baselines.keys)} series", file=sys.stderr, flush=True)
    print(text(groups), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
