"""Tells apart instances of one program that serve different things, such as two Redis servers.

The first one seen is `redis`; one beside it on another port is `redis:6380`. A name stays with its port for as long
as the exporter runs, so a restart changes nothing. A lone server is `redis` on whatever port.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_PORTS_PER_NAME = 64


@dataclass(frozen=True, slots=True)
class Instance:
    """The first process of a running instance.

    Attributes:
        pid: its number.
        start_ticks: when it started, in clock ticks since boot.
        base: the program's usual name.
        port: its lowest listening port, 0 while it has none.
        is_default: whether that is the program's default port.
    """

    pid: int
    start_ticks: int
    base: str
    port: int
    is_default: bool = False


@dataclass(slots=True)
class Instances:
    """The names given so far."""

    _by_port: dict[str, dict[int, str]] = field(default_factory=dict)
    _by_process: dict[Instance, str] = field(default_factory=dict)
    _unplaced: frozenset[int] = frozenset()

    def names(self, running: Iterable[Instance]) -> dict[int, str]:
        """Return the name of every running instance by PID, and remember the names by port."""
        # Who has a name keeps it; then the default port, then the oldest.
        ordered = sorted(running, key=lambda one: (one not in self._by_process, not one.is_default, one.start_ticks))
        given: dict[Instance, str] = {}
        owners: dict[str, int] = {}
        for one in ordered:
            name = self._by_process.get(one) or self._choose(one, owners)
            given[one] = name
            if one.port:
                owners.setdefault(name, one.port)
                self._remember(one, name)
        self._by_process = {one: name for one, name in given.items() if one.port}
        self._unplaced = frozenset(one.pid for one, name in given.items() if not one.port and name in owners)
        return {one.pid: name for one, name in given.items()}

    def unplaced(self) -> frozenset[int]:
        """Return the PIDs, of those last named, that share a name only because their port is not known."""
        return self._unplaced

    def _choose(self, one: Instance, owners: dict[str, int]) -> str:
        """Return the name that the port had, the plain one where it is free, else one with the port."""
        remembered = self._by_port.get(one.base, {}).get(one.port, one.base)
        if not one.port or owners.get(remembered, one.port) == one.port:
            return remembered
        return f"{one.base}:{one.port}"

    def _remember(self, one: Instance, name: str) -> None:
        ports = self._by_port.setdefault(one.base, {})
        ports[one.port] = name
        if len(ports) > MAX_PORTS_PER_NAME:
            del ports[next(iter(ports))]
