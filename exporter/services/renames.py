"""Finds names that a service had only at first, before its process executed its program or set its title."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporter.identity.facts import OTHER

FIRST_SECONDS = 60.0
"""A name that was one for longer stays a service of its own."""
MAX_RENAMES = 64
MAX_NAMES = 4096


@dataclass(slots=True)
class Renames:
    """What the latest processes were called, and which of those names are no more."""

    _before: Mapping[int, str] = field(default_factory=dict)
    _names: frozenset[str] = frozenset()
    _first_at: dict[str, float] = field(default_factory=dict)
    _renamed: dict[str, str] = field(default_factory=dict)

    def update(self, services: Mapping[int, str], is_same: Callable[[int], bool], now: float) -> list[str]:
        """Return the names that were given up just now.

        Args:
            services: of every process by PID; `~other` of those without one.
            is_same: tells whether a PID is still the same process's as the last time.
            now: seconds, of any clock that does not go back.
        """
        alive = frozenset(services.values())
        for name in alive - self._first_at.keys():
            self._first_at[name] = now
        while len(self._first_at) > MAX_NAMES:
            del self._first_at[next(iter(self._first_at))]
        for name in alive & self._renamed.keys():
            del self._renamed[name]
        given_up = []
        if not self._names <= alive:
            given_up = [
                (before, services[pid])
                for pid, before in self._before.items()
                if before not in alive and self._is_renamed(before, services.get(pid, OTHER), now) and is_same(pid)
            ]
        self._before, self._names = services, alive
        self._renamed.update(given_up)
        for old in dict(given_up):
            del self._first_at[old]
        while len(self._renamed) > MAX_RENAMES:
            del self._renamed[next(iter(self._renamed))]
        return list(dict(given_up))

    def known(self) -> Mapping[str, str]:
        """Return what was given up lately, and for which name."""
        return dict(self._renamed)

    def _is_renamed(self, before: str, after: str, now: float) -> bool:
        return OTHER not in (before, after) and now - self._first_at.get(before, now) <= FIRST_SECONDS
