"""Gives every process of a host its service: the tree of processes, instances told apart, the number bounded."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeVar

from exporter.identity.classes import known_class
from exporter.identity.facts import OTHER, OTHER_IDENTITY, NameSource, ServiceClass, ServiceIdentity
from exporter.identity.instances import Instance, Instances
from exporter.identity.interpreters import runtime
from exporter.identity.known import of_process
from exporter.identity.roster import Roster
from exporter.identity.tree import Candidate, Place, places_again, stale_places
from exporter.services.members import UNDECIDED, Membership
from exporter.services.renames import Renames
from exporter.services.view import Process

T = TypeVar("T")

YOUNG_SECONDS = 2.0
"""A process that ends sooner, and never had a socket, is its parent's errand, not a service."""
ERRAND_SECONDS = 30.0
"""The same of one that nobody declared as a service and that is no application we know: compilers, tools, scripts."""
_ASKED_MEMBERS = 8  # for their class
_DECLARED = frozenset(
    {
        NameSource.ENVIRONMENT,
        NameSource.KUBERNETES,
        NameSource.CONTAINER,
        NameSource.SYSTEMD,
        NameSource.APPLICATION,
    }
)
# A wrapper is there for what it starts.
_NO_WORK = (ServiceClass.UNKNOWN, ServiceClass.SHELL, ServiceClass.SYSTEM)
PORTLESS_SECONDS = 10.0
"""So long an instance beside another one may take to listen, before it is taken for a replica."""


@dataclass(frozen=True, slots=True)
class Named:
    """The services of a host's processes; nothing in it changes later.

    Attributes:
        processes: every process by PID; one that is too young to have a service is in `~other` for the time.
        members: what the resources of each are counted for.
        services: those that have a process, by name.
        undecided: the processes that are too young to have a service.
        due_at: when the first of them is old enough.
        renamed: names that turned out to be a young process's first ones, and what it is called now.
    """

    processes: Mapping[int, Process] = field(default_factory=dict)
    members: Mapping[int, Membership] = field(default_factory=dict)
    services: Mapping[str, ServiceIdentity] = field(default_factory=dict)
    undecided: frozenset[int] = frozenset()
    due_at: float = math.inf
    renamed: Mapping[str, str] = field(default_factory=dict)

    def is_due(self, with_sockets: Set[int], now: float) -> bool:
        """Return whether a process that was too young may have a service now: by its age, or as it has a socket."""
        return now >= self.due_at or not self.undecided.isdisjoint(with_sockets)


@dataclass(frozen=True, slots=True)
class _Classed:
    """A process and what it is known to be."""

    candidate: Candidate
    kind: ServiceClass


class Naming:
    """Names processes, and remembers what keeps the names stable."""

    def __init__(self, roster: Roster, boot_time: float, ticks_per_second: int) -> None:
        """Begin without names.

        Args:
            roster: which services there is place for.
            boot_time: seconds since the epoch.
        """
        self._roster = roster
        self._boot_time = boot_time
        self._ticks_per_second = ticks_per_second
        self._instances = Instances()
        self._placed: Mapping[int, Place] = {}
        self._candidates: Mapping[int, Candidate] = {}
        self._renames = Renames()
        self._classed: dict[int, _Classed] = {}
        self._service: Mapping[int, str] = {}
        self._named = Named()

    def update(
        self,
        candidates: Mapping[int, Candidate],
        ports: Mapping[int, int],
        with_sockets: Iterable[int],
        age_seconds: Callable[[int], float],
        now: float,
    ) -> Named:
        """Name all processes.

        Args:
            candidates: by PID; the same object as before where nothing changed.
            ports: the lowest listening port of those that listen.
            with_sockets: the processes that own any socket.
            age_seconds: how long a process has been known.
        """
        before, stale = self._candidates, self._place(candidates)
        names = self._names(ports)
        open_roots = self._open(names, with_sockets, age_seconds)
        called = self._roster.admit(self._claims(names, open_roots, ports), now)
        decided = {root: called.get(name, OTHER) for root, name in names.items() if root not in open_roots}
        service = {pid: decided.get(place.root_pid, OTHER) for pid, place in self._placed.items()}
        self._give_up(service, before, now)
        undecided = frozenset(pid for pid, place in self._placed.items() if place.root_pid in open_roots)
        moved = {pid for pid, _ in service.items() ^ self._service.items()}
        touched = stale | moved | (undecided ^ self._named.undecided)
        self._service = service
        self._named = Named(
            processes=_again(self._named.processes, touched, service, self._process),
            members=_again(
                self._named.members, touched, service, lambda pid, name: self._membership(pid, name, pid in undecided)
            ),
            services=self._identities(service, names),
            undecided=undecided,
            due_at=min((now + self._left(root, age_seconds) for root in open_roots), default=math.inf),
            renamed=self._renames.known(),
        )
        return self._named

    def _give_up(self, service: Mapping[int, str], before: Mapping[int, Candidate], now: float) -> None:
        """Free the places of names that turned out to be none; `before` are the candidates of the last time."""

        def is_same(pid: int) -> bool:
            return pid in before and before[pid].facts.start_ticks == self._candidates[pid].facts.start_ticks

        for old in self._renames.update(service, is_same, now):
            self._roster.give_up(old)

    def _place(self, candidates: Mapping[int, Candidate]) -> set[int]:
        """Find out where all processes stand; return those of which that, or anything else, may have changed."""
        if candidates is self._candidates:
            return set()
        stale = stale_places(candidates, self._candidates)
        self._placed = places_again(candidates, self._placed, stale)
        self._candidates = candidates
        for pid in stale:
            self._classed.pop(pid, None)
        return stale

    def _process(self, pid: int, service: str) -> Process:
        return Process(self._candidates[pid].facts, service, self._placed[pid].root_pid == pid)

    def _names(self, ports: Mapping[int, int]) -> dict[int, str]:
        """Return the name of each root process, instances of one program told apart."""
        lowest: dict[int, int] = {}
        for pid, port in ports.items():
            if pid in self._placed:
                root = self._placed[pid].root_pid
                lowest[root] = min(port, lowest.get(root, port))
        roots = [pid for pid, place in self._placed.items() if place.root_pid == pid]
        names = {root: self._placed[root].name.text for root in roots}
        return names | self._instances.names(self._separate(roots, lowest))

    def _separate(self, roots: Iterable[int], lowest: Mapping[int, int]) -> Iterable[Instance]:
        """Yield the instances of programs of which two on different ports serve different things."""
        for root in roots:
            candidate = self._candidates[root]
            application = of_process(candidate.facts) if candidate.own.source is NameSource.APPLICATION else None
            if application is not None and application.separate:
                port = lowest.get(root, 0)
                is_default = port == application.port
                yield Instance(root, candidate.facts.start_ticks, candidate.own.text, port, is_default)

    def _open(
        self, names: Mapping[int, str], with_sockets: Iterable[int], age_seconds: Callable[[int], float]
    ) -> set[int]:
        """Return the roots that may yet turn out to be something else.

        Errands: young for what they are, without sockets, of no service known so far. And instances that do not listen
        yet beside another one, whose name they would share until their port is known.
        """
        settled = {self._placed[pid].root_pid for pid in with_sockets if pid in self._placed}
        return {
            root
            for root, name in names.items()
            if (name not in self._roster and root not in settled and age_seconds(root) < self._patience(root))
            or (root in self._instances.unplaced() and age_seconds(root) < PORTLESS_SECONDS)
        }

    def _left(self, root: int, age_seconds: Callable[[int], float]) -> float:
        """Return after how many seconds the time of a root that is open is over."""
        limits = (self._patience(root), PORTLESS_SECONDS if root in self._instances.unplaced() else 0.0)
        return min((limit - age_seconds(root) for limit in limits if limit > age_seconds(root)), default=0.0)

    def _patience(self, root: int) -> float:
        """Return how long a process without sockets may be an errand."""
        return YOUNG_SECONDS if self._placed[root].name.source in _DECLARED else ERRAND_SECONDS

    def _claims(self, names: Mapping[int, str], open_roots: set[int], ports: Mapping[int, int]) -> list[str]:
        """Return the names in the order of their claim to a place: those that listen, then the oldest."""
        listening = {self._placed[pid].root_pid for pid in ports if pid in self._placed}
        roots = [root for root in names if root not in open_roots]
        roots.sort(key=lambda root: (root not in listening, self._candidates[root].facts.start_ticks))
        return [names[root] for root in roots]

    def _membership(self, pid: int, service: str, is_open: bool) -> Membership:
        facts = self._candidates[pid].facts
        return Membership(
            service=UNDECIDED if is_open else service,
            starts=self._placed[pid].root_pid == pid,
            started_at=self._boot_time + facts.start_ticks / self._ticks_per_second,
            open_files_limit=facts.open_files_limit,
        )

    def _identities(self, service: Mapping[int, str], roots: Iterable[int]) -> dict[str, ServiceIdentity]:
        """Return what is known of each service, from the oldest of its first processes."""
        oldest: dict[str, Candidate] = {}
        for pid in roots:
            name, candidate = service[pid], self._candidates[pid]
            before = oldest.get(name, candidate)
            oldest[name] = min(before, candidate, key=lambda one: (one.facts.start_ticks, one.facts.pid))
        classes = self._classes(service, oldest)
        return {
            name: OTHER_IDENTITY if name == OTHER else _identity(name, one, classes[name])
            for name, one in oldest.items()
        }

    def _classes(self, service: Mapping[int, str], oldest: Mapping[str, Candidate]) -> dict[str, ServiceClass]:
        """Return what each service's first process is known to be, else what most of its others are."""
        classes = {name: self._class_of(one) for name, one in oldest.items()}
        told: dict[str, Counter[ServiceClass]] = {
            name: Counter() for name, kind in classes.items() if kind is ServiceClass.UNKNOWN
        }
        left = dict.fromkeys(told, _ASKED_MEMBERS)
        for pid, name in service.items():
            if left.get(name):
                left[name] -= 1
                told[name][self._class_of(self._candidates[pid])] += 1
        for name, votes in told.items():
            for kind in _NO_WORK:
                votes.pop(kind, None)
            classes[name] = votes.most_common(1)[0][0] if votes else ServiceClass.UNKNOWN
        return classes

    def _class_of(self, candidate: Candidate) -> ServiceClass:
        """Return what a process is known to be, asked once for each reading of its facts."""
        known = self._classed.get(candidate.facts.pid)
        if known is None or known.candidate is not candidate:
            kind = known_class(candidate.facts, candidate.own)
            known = self._classed[candidate.facts.pid] = _Classed(candidate, kind)
        return known.kind


def _again(
    before: Mapping[int, T], touched: Set[int], service: Mapping[int, str], make: Callable[[int, str], T]
) -> Mapping[int, T]:
    """Return what is made of every process, anew of those that were touched: there may be thousands of others."""
    if not touched:
        return before
    made = dict(before)
    for pid in touched:
        if pid in service:
            made[pid] = make(pid, service[pid])
        else:
            made.pop(pid, None)
    return made


def _identity(name: str, candidate: Candidate, kind: ServiceClass) -> ServiceIdentity:
    facts = candidate.facts
    return ServiceIdentity(name, candidate.own.source, runtime(facts), facts.container.name, kind)
