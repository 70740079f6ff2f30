"""Bounds the number of services: what comes after the limit is `~other`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from exporter.identity.facts import OTHER

_MAX_TURNED_AWAY = 1000  # names remembered so that each counts once


@dataclass(slots=True)
class Roster:
    """The services that have a name of their own.

    Attributes:
        limit: the most at a time.
        retain_seconds: how long a service without processes keeps its place, for a restart.
        refused: how often a name found no place.
    """

    limit: int = 200
    retain_seconds: float = 3600.0
    refused: int = 0
    _seen: dict[str, float] = field(default_factory=dict)
    _turned_away: set[str] = field(default_factory=set)

    def admit(self, names: Iterable[str], now: float) -> dict[str, str]:
        """Return what each name of the running processes is called: itself, or `~other` where there is no place.

        Args:
            names: in the order of their claim; those that have a place keep it.
            now: seconds, of any clock that does not go back.
        """
        wanted = [name for name in dict.fromkeys(names) if name != OTHER]
        for name in wanted:
            if name in self._seen:
                self._seen[name] = now
        for name, seen in list(self._seen.items()):
            if now - seen > self.retain_seconds:
                del self._seen[name]
        return {OTHER: OTHER} | {name: self._called(name, now) for name in wanted}

    def _called(self, name: str, now: float) -> str:
        if name in self._seen or len(self._seen) < self.limit:
            self._seen[name] = now
            self._turned_away.discard(name)
            return name
        if name not in self._turned_away:
            if len(self._turned_away) >= _MAX_TURNED_AWAY:
                self._turned_away.clear()
            self._turned_away.add(name)
            self.refused += 1
        return OTHER

    def give_up(self, name: str) -> None:
        """Free the place of a name that turned out to be none."""
        self._seen.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._seen

    def __len__(self) -> int:
        return len(self._seen)
