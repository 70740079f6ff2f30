"""What a recipe says of one service; `$name` in its texts stands for what `Site` knows."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from exporter.identity.facts import ServiceClass

# In a network namespace of its own any port is free.
HTTP_PORT, REDIS_PORT, POSTGRES_PORT = 18081, 16379, 15432
PORTS = {"http": str(HTTP_PORT), "redis": str(REDIS_PORT), "postgres": str(POSTGRES_PORT)}
"""Where those listen that others need, by the names that recipes have for them."""

Ask = Callable[[int, random.Random], object]
"""Asks a server on a loopback port a few things over one connection, and leaves; raises OSError or ValueError."""


class Origin(Enum):
    """Where a program is from."""

    DEBIAN = "Debian"
    PYPI = "PyPI"
    NPM = "npm"
    OWN = "written for it"


class Way(Enum):
    """How a service is started."""

    PLAIN = auto()
    UNIT = auto()  # in a control group as systemd makes it
    SHELL = auto()  # by a script that waits for it
    SUPERVISED = auto()  # by supervisord
    RENAMED = auto()  # its binary bears another name


@dataclass(frozen=True, slots=True)
class Recipe:
    """One service.

    Attributes:
        engine: the program; a class is judged on engines that it was not learned from.
        name: what a person calls it.
        kind: what it is.
        command: program and arguments, as a shell reads them.
        packages: Debian's.
        origin: where it is from.
        files: what is written into its folder first, by name; those that begin with `#!` can be run.
        environment: added to its own.
        prepare: commands that are run first.
        ask: how it is asked; None where nobody asks it.
        is_root: whether it may be root; else it runs as `nobody`.
        ready_seconds: how long it may take to begin.
        way: how it is started.
        listens: whether it takes TCP connections on `$port`.
        needs: engines that must run before it.
        other_name: what a renamed binary is called.
    """

    engine: str
    name: str
    kind: ServiceClass
    command: str
    packages: tuple[str, ...] = ()
    origin: Origin = Origin.DEBIAN
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    ask: Ask | None = None
    is_root: bool = True
    ready_seconds: float = 30.0
    way: Way = Way.PLAIN
    listens: bool = True
    other_name: str = ""
