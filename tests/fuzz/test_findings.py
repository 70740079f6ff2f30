"""The layers hold on what fuzzing has found, on random changes of real captures, and for long in `make test-long`."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import FINDINGS, PACKET_PATH_SECONDS, PARSER, by_chance, seeds
from tests.fuzz.layers import LAYERS

FOUND = sorted(FINDINGS.glob("*-*")) if FINDINGS.is_dir() else []
SHORT_SECONDS = 0.25
LONG_PARSER_SECONDS = 60  # `make fuzz` gives each ten minutes


@pytest.mark.parametrize("finding", FOUND, ids=lambda path: path.name)
def test_what_was_found_once_holds(finding: Path) -> None:
    LAYERS[finding.name.partition("-")[0]](finding.read_bytes())


@pytest.mark.parametrize("layer", LAYERS)
def test_random_changes_of_real_captures_break_no_bound(layer: str) -> None:
    assert by_chance(LAYERS[layer], seeds(layer), SHORT_SECONDS, random.Random(1)) is None


def test_a_broken_bound_is_found() -> None:
    def layer(data: bytes) -> None:
        assert b"\x80" not in data

    assert by_chance(layer, [b"harmless"], 10.0, random.Random(1)) is not None


@pytest.mark.long
def test_half_an_hour_of_guided_fuzzing_of_the_packet_path_finds_nothing() -> None:
    layers = [name for name in LAYERS if not name.startswith(PARSER)]
    subprocess.run([sys.executable, "-m", "tests.fuzz", *layers], check=True, timeout=2 * PACKET_PATH_SECONDS)


@pytest.mark.long
def test_guided_fuzzing_of_the_parsers_finds_nothing() -> None:
    layers = [name for name in LAYERS if name.startswith(PARSER)]
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", str(LONG_PARSER_SECONDS), *layers]
    subprocess.run(command, check=True, timeout=2 * LONG_PARSER_SECONDS * len(layers))
