"""Learns what classes behave like: `python -m benchmarks.training [--json]` writes `exporter/fingerprint/classes.json`.

From the recordings in `benchmarks/recordings`, which `python -m benchmarks.identity --record FILE` makes. Prints how
often the class of an engine is right that was left out of the learning, beside ways that learn nothing: always the
commonest class, a table of well-known ports, and a table of the protocol that is mostly spoken.
"""

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.fitting import Example, fit
from benchmarks.fleet.recording import Recorded, read
from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.model import FILE, Model
from exporter.identity.classes import CLASSES
from exporter.identity.facts import ServiceClass
from exporter.identity.known import APPLICATIONS

RECORDINGS = Path(__file__).with_name("recordings")
LEAST_ENGINES = 2  # of a class that is learned: with one, nothing is left when it is left out
PORTS: dict[int, ServiceClass] = {
    application.port: CLASSES[application.name]
    for application in APPLICATIONS.values()
    if application.port and application.name in CLASSES
}


SPOKEN: dict[str, ServiceClass] = {
    "http": ServiceClass.WEB,
    "records": ServiceClass.DATABASE,
    "keys": ServiceClass.CACHE,
    "messages": ServiceClass.QUEUE,
    "names": ServiceClass.DNS,
    "mail": ServiceClass.MAIL,
    "search": ServiceClass.SEARCH,
    "directory": ServiceClass.DIRECTORY,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """How often classes were right, of engines that were not learned from.

    Attributes:
        engines, fingerprints: how many.
        right_ratio: mean over engines of the share of their fingerprints that were classed right.
        commonest_ratio, port_ratio, protocol_ratio: the same of the three ways that learn nothing.
        left_out: classes of which there are too few engines.
        wrong: by engine, what it was taken for and how often.
    """

    engines: int
    fingerprints: int
    right_ratio: float
    commonest_ratio: float
    port_ratio: float
    protocol_ratio: float
    left_out: Sequence[str]
    wrong: dict[str, dict[str, int]]


def recorded() -> list[Recorded]:
    """Return all recordings in the tree."""
    return [one for file in sorted(RECORDINGS.glob("*.jsonl")) for one in read(file)]


def examples(recordings: Sequence[Recorded]) -> list[Example]:
    """Return what is learned from: classes of several engines."""
    engines = {(one.kind, one.engine) for one in recordings}
    counts = Counter(kind for kind, _ in engines)
    return [
        Example(np.array(one.vector), one.kind, one.engine) for one in recordings if counts[one.kind] >= LEAST_ENGINES
    ]


def judge(recordings: Sequence[Recorded]) -> Judged:
    """Leave each engine out once and ask the model of all others."""
    learned = examples(recordings)
    kinds = {one.kind for one in learned}
    kept = [one for one in recordings if one.kind in kinds]
    right: dict[str, list[bool]] = {}
    wrong: dict[str, Counter[str]] = {}
    for engine in sorted({one.engine for one in kept}):
        model = fit([one for one in learned if one.engine != engine])
        for one in (one for one in kept if one.engine == engine):
            told = likeliest(model, one.vector)
            right.setdefault(engine, []).append(told is one.kind)
            if told is not one.kind:
                wrong.setdefault(engine, Counter())[told.value] += 1
    commonest = Counter(kind for kind, _ in {(one.kind, one.engine) for one in kept}).most_common(1)[0][0]
    return Judged(
        len(right),
        len(kept),
        _mean(right),
        _mean(_by_engine(kept, lambda one: one.kind is commonest)),
        _mean(_by_engine(kept, lambda one: _by_port(one) is one.kind)),
        _mean(_by_engine(kept, lambda one: _by_protocol(one) is one.kind)),
        sorted({one.kind.value for one in recordings} - {kind.value for kind in kinds}),
        {engine: dict(taken) for engine, taken in wrong.items()},
    )


def likeliest(model: Model, vector: Sequence[float]) -> ServiceClass:
    """Return the likeliest class of a recorded fingerprint."""
    found = model.probabilities(tuple(None if math.isnan(value) else value for value in vector))
    return max(found, key=found.__getitem__)


def _by_engine(recordings: Sequence[Recorded], is_right: Callable[[Recorded], bool]) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = {}
    for one in recordings:
        found.setdefault(one.engine, []).append(is_right(one))
    return found


def _mean(right: dict[str, list[bool]]) -> float:
    return sum(sum(one) / len(one) for one in right.values()) / len(right)


def _by_port(one: Recorded) -> ServiceClass:
    return next((PORTS[port] for port in one.ports if port in PORTS), ServiceClass.UNKNOWN)


def _by_protocol(one: Recorded) -> ServiceClass:
    """Return the class of servers that usually speak what is mostly spoken."""
    shares = {kind: one.vector[NAMES.index(f"speaks_{word}")] for word, kind in SPOKEN.items()}
    spoken = {kind: share for kind, share in shares.items() if share > 0}
    return max(spoken, key=spoken.__getitem__, default=ServiceClass.UNKNOWN)


def write(model: Model, file: Path) -> None:
    """Write a model, its numbers rounded to what they are good for."""
    content = {
        "dimensions": NAMES,
        "classes": model.classes,
        "centre": [round(value, 4) for value in model.centre],
        "scale": [round(value, 4) for value in model.scale],
        "bias": [round(value, 3) for value in model.bias],
        "weights": [[round(value, 3) for value in row] for row in model.weights],
    }
    lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items())
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn, write and judge; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    parser.add_argument("--output", type=Path, default=FILE, help="where the model is written")
    settings = parser.parse_args(arguments)
    recordings = recorded()
    write(fit(examples(recordings)), settings.output)
    found = judge(recordings)
    if settings.json:
        print(json.dumps({name: getattr(found, name) for name in Judged.__dataclass_fields__}))
        return 0
    print(f"{found.engines} engines, {found.fingerprints} fingerprints; each engine left out of the learning in turn:")
    print(f"  right {found.right_ratio:.1%}; commonest class {found.commonest_ratio:.1%}, by table of")
    print(f"  ports {found.port_ratio:.1%}, of protocols {found.protocol_ratio:.1%}")
    print(f"  too few engines of: {', '.join(found.left_out)}")
    for engine, taken in found.wrong.items():
        print(f"  {engine} taken for {taken}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
