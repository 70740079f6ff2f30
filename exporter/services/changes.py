"""Counts what changed about each service: each change once, whatever the number of its replicas."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.services.deployment import Change, Deployment, Part, Start

MAX_PARTS = 256  # of one service
_AROUND = (Change.PORT, Change.DEPENDENCY)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things are looked at before they count, in seconds.

    Attributes:
        settled: a younger process may yet execute its program or set its title.
        replaced: a replica that comes back within it as it was, is no change; one that starts so shortly before
            another ends, replaces it.
        ports, dependencies: of a service that was just found, these are learned and not counted.
        retained: what was not there for so long is forgotten.
    """

    settled: float = 6.0
    replaced: float = 60.0
    ports: float = 30.0
    dependencies: float = 600.0
    retained: float = 3600.0


@dataclass(frozen=True, slots=True)
class ChangeKey:
    """Identifies one count."""

    service_name: str
    change: Change


@dataclass(slots=True)
class _Followed:
    """What is remembered of one service.

    Attributes:
        parts: when each was last there.
        alive: when each instance that runs was first seen.
        ended: when instances ended that no start has made good for.
        added: when instances started beside others.
    """

    first_at: float
    seen_at: float = 0.0
    parts: dict[Part, float] = field(default_factory=dict)
    alive: dict[Start, float] = field(default_factory=dict)
    ended: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    added: deque[float] = field(default_factory=lambda: deque(maxlen=1000))


class Changes:
    """Follows the deployments of all services."""

    def __init__(self, patience: Patience = Patience()) -> None:
        """Begin without services; what the first look finds is no change."""
        self._patience = patience
        self._followed: dict[str, _Followed] = {}
        self._counts: Counter[ChangeKey] = Counter()

    def update(self, deployments: Mapping[str, Deployment], now: float, no_more: Iterable[str] = ()) -> None:
        """Take a look at every service that has a process.

        Args:
            now: seconds, of any clock that does not go back.
            no_more: names that turned out to be none.
        """
        for name in no_more:
            if name in self._followed:
                self._forget(name)
        for name, deployment in deployments.items():
            followed = self._followed.get(name)
            if followed is None:
                followed = self._followed[name] = _Followed(now)
                followed.alive = dict.fromkeys(deployment.instances, now)
            followed.seen_at = now
            self._counts.update(ChangeKey(name, change) for change in self._look(followed, deployment, now))
        for name, followed in list(self._followed.items()):
            if name not in deployments:
                self._counts.update(ChangeKey(name, change) for change in self._restarts(followed, (), now))
                if now - followed.seen_at > self._patience.retained:
                    self._forget(name)

    def counts(self) -> dict[ChangeKey, int]:
        """Return how often each thing changed, also where it never did."""
        return {
            key: self._counts[key] for name in self._followed for key in (ChangeKey(name, change) for change in Change)
        }

    def _forget(self, name: str) -> None:
        del self._followed[name]
        for change in Change:
            self._counts.pop(ChangeKey(name, change), None)

    def _look(self, followed: _Followed, deployment: Deployment, now: float) -> list[Change]:
        changed = self._restarts(followed, deployment.instances, now)
        settled = [
            parts
            for start, parts in deployment.instances.items()
            if now - followed.alive.get(start, now) >= self._patience.settled
        ]
        inside = frozenset[Part]().union(*settled)
        for part in inside | deployment.around:
            if part not in followed.parts and self._counts_as_new(followed, part, now):
                changed.append(part.change)
        for part in inside | deployment.around:
            followed.parts[part] = now
        self._prune(followed, inside, now)
        return changed

    def _restarts(self, followed: _Followed, instances: Iterable[Start], now: float) -> list[Change]:
        """Return one restart for each start that makes good for an end, before or shortly after it."""
        running = set(instances)
        for start in [start for start in followed.alive if start not in running]:
            del followed.alive[start]
            followed.ended.append(now)
        for start in running - followed.alive.keys():
            followed.alive[start] = now
            followed.added.append(now)
        _drop_before(followed.ended, now - self._patience.retained)
        _drop_before(followed.added, now - self._patience.replaced)
        restarts = []
        while followed.ended and followed.added:
            followed.ended.popleft()
            followed.added.popleft()
            restarts.append(Change.RESTART)
        return restarts

    def _counts_as_new(self, followed: _Followed, part: Part, now: float) -> bool:
        """Return whether a part that was not there before is a change, not one of the first that are found."""
        if part.change is Change.PORT:
            return now - followed.first_at > self._patience.ports
        if part.change is Change.DEPENDENCY:
            return now - followed.first_at > self._patience.dependencies
        return any(other.change is part.change for other in followed.parts)

    def _prune(self, followed: _Followed, inside: frozenset[Part], now: float) -> None:
        """Forget what was replaced, so that going back to it is a change; nothing while no instance is there."""
        there = {part.change for part in inside}
        for part, seen in list(followed.parts.items()):
            is_around = part.change in _AROUND
            patience = self._patience.retained if is_around else self._patience.replaced
            if now - seen > patience and (is_around or part.change in there):
                del followed.parts[part]
        while len(followed.parts) > MAX_PARTS:
            del followed.parts[next(iter(followed.parts))]


def _drop_before(times: deque[float], earliest: float) -> None:
    while times and times[0] < earliest:
        times.popleft()
