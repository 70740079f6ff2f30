"""Names and classes of real services: `python -m benchmarks.identity [--only ENGINE] [--record FILE] [--json]`.

Starts the whole fleet of Debian, PyPI and npm at once on a loopback of its own, asks each service at a changing pace,
and tells what the exporter makes of each; as root. What is recorded, `python -m benchmarks.training` learns from. A
service whose program is nobody's we know is classed by its behaviour; as its engine was learned from, the last line
says what becomes of those with models that never saw their engines.
"""

import argparse
import json
import math
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fitting import fit
from benchmarks.fleet.recipes import RECIPES
from benchmarks.fleet.recording import Seen, phases, write
from benchmarks.training import examples, likeliest, recorded
from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.judgement import ClassSource
from exporter.portraits import learned

PHASES = 1


def report(seen: Sequence[Seen]) -> str:
    """Return the table."""
    lines = [f"{'engine':18} {'way':10} {'name':20} {'by':12} {'class':12} {'by':10} {'sure':>5}"]
    for one in seen:
        wrong = "" if one.is_named else f"  name is {one.expected_name}"
        wrong += "" if one.is_classed else f"  class is {one.expected_class.value}"
        lines.append(
            f"{one.engine:18} {one.way:10} {one.name:20} {one.name_source:12} {one.kind.value:12} "
            f"{one.class_source:10} {one.confidence:5.2f}{wrong}"
        )
    named, classed = sum(one.is_named for one in seen), sum(one.is_classed for one in seen)
    lines.append(f"{len(seen)} services: {named} named right, {classed} classed right")
    strangers = by_strangers(seen)
    lines.append(
        f"{len(strangers)} classed by behaviour: {sum(strangers.values())} right by models that never saw their engines"
    )
    return "\n".join(lines)


def by_strangers(seen: Sequence[Seen]) -> dict[str, bool]:
    """Return, of the services classed by behaviour, whether a model that was learned without their engine is right."""
    learned_from = examples(recorded())
    found = {}
    for one in seen:
        if one.class_source == ClassSource.BEHAVIOUR:
            model = fit([example for example in learned_from if example.engine != one.engine])
            vector = [one.vector.get(name, math.nan) for name in NAMES]
            found[one.name] = likeliest(model, vector) is one.expected_class
    return found


def figures(seen: Sequence[Seen]) -> dict[str, object]:
    """Return what `--json` prints."""
    both = sum(one.is_named and one.is_classed for one in seen)
    strangers = by_strangers(seen)
    return {
        "services": len(seen),
        "named_ratio": sum(one.is_named for one in seen) / len(seen),
        "classed_ratio": sum(one.is_classed for one in seen) / len(seen),
        "right_ratio": both / len(seen),
        "by_behaviour": len(strangers),
        "by_behaviour_of_unseen_engines_right": sum(strangers.values()),
        "wrong": [
            {"engine": one.engine, "name": one.name, "class": one.kind.value}
            for one in seen
            if not (one.is_named and one.is_classed)
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="this engine only; may be repeated")
    parser.add_argument("--record", type=Path, help="append the fingerprints of every phase to this file")
    parser.add_argument("--phases", type=int, default=PHASES, help="how often the pace of all changes")
    parser.add_argument("--seed", type=int, help="of the paces and questions")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    settings = parser.parse_args(arguments)
    recipes = [recipe for recipe in RECIPES if not settings.only or recipe.engine in settings.only]
    seed = settings.seed if settings.seed is not None else random.SystemRandom().randrange(1 << 30)
    folder = Path(tempfile.mkdtemp(prefix="larimar-fleet-"))
    seen: list[Seen] = []
    try:
        for seen in phases(recipes, folder, settings.phases, seed, learned()):
            if settings.record is not None:
                write(seen, settings.record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures(seen)) if settings.json else report(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
