"""Restarts and upgrades services of the fleet."""

import shutil
from pathlib import Path

from benchmarks.fleet.running import Running, wait


def again(one: Running) -> None:
    """Kill a service and start it again."""
    one.end()
    one.process = one.restart()
    wait(one)


def upgrade(program: Path) -> None:
    """Put another version in a program's place, as a package manager does: bytes behind an ELF's end are not read."""
    newer = program.with_suffix(".new")
    shutil.copy(program, newer)
    with newer.open("ab") as file:
        file.write(b"newer")
    newer.rename(program)
