"""The servers: those on PATH, else Debian's, unpacked once into the ignored folder and shared by all test processes."""

import os
from pathlib import Path

from quickstart.debian import Tree, obtain, unpack
from tests.live.support.namespace import outside

FOLDER = Path(__file__).parents[3] / ".larimar" / "packages"
PROGRAMS = (
    *("nginx", "redis-server", "postgres", "initdb"),
    *("prometheus", "promtool", "alertmanager", "amtool"),
)


def tree() -> Tree:
    """Return a tree that has all of `PROGRAMS`."""
    with outside():
        return obtain(PROGRAMS, FOLDER, os.environ)


def with_programs(*programs: str) -> Tree:
    """Return a tree that has some more programs, which only few tests need."""
    with outside():
        return obtain(programs, FOLDER, os.environ)


def with_package(name: str) -> Tree:
    """Return a tree that has what is no program, such as the classes of a Java server, with what runs it."""
    with outside():
        return unpack([name], FOLDER, os.environ)
