"""What conversations make of the samples and of random changes of them; run as a program it uses the sources alone."""

import json
import random
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.exporter.protocols.conversing import Step

VARIATIONS = 60
LONGEST_BYTES = 20_000  # what is longer tells nothing new, and takes its time


def variations(steps: tuple["Step", ...], dice: random.Random) -> Iterator[list["Step"]]:
    """Yield the steps cut otherwise, with holes, noise, repetitions and without a beginning."""
    conversing = import_module("tests.exporter.protocols.conversing")
    yield list(steps)
    for _ in range(VARIATIONS):
        varied: list[Step] = []
        for step in steps[dice.choice((0, 0, dice.randrange(len(steps)))) :]:
            payload = bytearray(step.payload[:LONGEST_BYTES])
            if dice.random() < 0.15 and payload:
                payload[dice.randrange(len(payload))] = dice.randrange(256)
            edges = sorted({0, len(payload), *(dice.randrange(len(payload) + 1) for _ in range(dice.randrange(4)))})
            for begin, end in pairwise(edges):
                lost = dice.random() < 0.05
                piece = b"" if lost else bytes(payload[begin:end])
                is_tail = lost and begin > 0 and not varied[-1].lost
                varied.append(conversing.Step(step.direction, piece, lost=(end - begin) * lost, at_once=is_tail))
        yield varied


def transcript() -> tuple[list[str], list[str]]:
    """Return the files that compiled modules came from, and all that was told."""
    conversing = import_module("tests.exporter.protocols.conversing")
    samples = import_module("tests.exporter.protocols.samples").SAMPLES
    lines = []
    for name, group in sorted(samples.items()):
        for sample in group:
            dice = random.Random(f"{name} {sample.name}")
            for number, steps in enumerate(variations(sample.steps, dice)):
                kept = conversing.converse(steps, sure=number % 3 != 1)
                told = f"{kept.protocols} {kept.flows} {kept.unparsable_protocols} {kept.closed} {kept.exchanges}"
                lines.append(f"{name} {sample.name} {number}: {told}")
    modules = ("exporter.model", "exporter.protocols.conversation", "exporter.protocols.redis")
    return [str(import_module(module).__file__) for module in modules], lines


if __name__ == "__main__":
    import_module("tests.exporter.uncompiled")
    files, lines = transcript()
    assert all(Path(file).suffix == ".py" for file in files), files
    json.dump(lines, sys.stdout)
