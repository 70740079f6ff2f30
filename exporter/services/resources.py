"""Resources per service: counters that never fall, whatever becomes of the processes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from exporter.services.members import UNDECIDED, Gauges, Membership, gauges_of
from exporter.services.usage import Counters, Sample, Usage


@dataclass(frozen=True, slots=True)
class ServiceResources:
    """One service's resources.

    Attributes:
        counters: since the exporter first saw the service.
        starts: how often an instance started while the exporter ran.
        gauges: of its members at the last sample.
        has_io: whether disk, call and file counts could ever be read of a member.
    """

    counters: Counters
    starts: int
    gauges: Gauges
    has_io: bool


@dataclass(slots=True)
class _Member:
    start_ticks: int
    parent_pid: int
    service: str
    last: Usage | None  # None: everything that it ever used is still to be counted


@dataclass(slots=True)
class _Total:
    counters: Counters = field(default_factory=Counters)
    starts: int = 0
    has_io: bool = False
    seen_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Exited:
    """What was already counted of a child whose parent's counters take it over when it is waited for."""

    counted: Counters
    round: int


class Resources:
    """Turns samples of processes into resources of services.

    A process that lived before the first sample counts from there, so that a restart of the exporter adds nothing;
    a later one counts from its birth. What a child used after its last sample, or without ever being sampled, reaches
    the service of the parent that waits for it; what was counted before is taken off, so nothing counts twice.
    """

    def __init__(self, retain_seconds: float = 3600.0) -> None:
        """Begin without processes.

        Args:
            retain_seconds: how long a service without processes keeps its counters.
        """
        self._retain_seconds = retain_seconds
        self._members: dict[int, _Member] = {}
        self._totals: dict[str, _Total] = {}
        self._exited: dict[int, list[_Exited]] = {}
        self._round = 0

    def update(
        self, samples: Iterable[Sample], members: Mapping[int, Membership], now: float
    ) -> dict[str, ServiceResources]:
        """Count one sample of all processes and return every service's resources.

        Args:
            samples: all that could be read; a process left out has ended.
            members: by PID; a process without an entry is undecided.
            now: seconds, of any clock that does not go back.
        """
        taken = list(samples)
        self._round += 1
        self._take_leave(taken)
        for sample in taken:
            self._count(sample, members.get(sample.pid, _OPEN))
        self._forget(now)
        gauges = gauges_of(taken, members)
        return {
            name: ServiceResources(replace(total.counters), total.starts, gauges.get(name, Gauges()), total.has_io)
            for name, total in self._totals.items()
        }

    def _take_leave(self, taken: list[Sample]) -> None:
        """Remember what was counted of the processes that ended, for the parent that waited for them."""
        alive = {sample.pid: sample.start_ticks for sample in taken}
        for pid in [pid for pid, member in self._members.items() if alive.get(pid) != member.start_ticks]:
            member = self._members.pop(pid)
            if member.last is not None:
                counted = Counters()
                counted.add(member.last.own)
                counted.add(member.last.children)
                self._exited.setdefault(member.parent_pid, []).append(_Exited(counted, self._round))

    def _count(self, sample: Sample, membership: Membership) -> None:
        """Add what a process used since its last sample to its service."""
        usage = sample.usage
        member = self._members.get(sample.pid)
        if member is None:
            before = usage if self._round == 1 else None
            member = self._members[sample.pid] = _Member(sample.start_ticks, sample.parent_pid, UNDECIDED, before)
        member.parent_pid = sample.parent_pid
        if membership.service == UNDECIDED:
            return
        total = self._totals.setdefault(membership.service, _Total())
        total.starts += membership.starts and member.last is None
        total.has_io = total.has_io or usage.has_io
        member.service = membership.service
        if member.last is not usage:
            total.counters.add(self._growth(sample.pid, usage, member.last))
            member.last = usage

    def _growth(self, pid: int, usage: Usage, last: Usage | None) -> Counters:
        """Return what is to be counted of a process and of its children that nobody counted."""
        own = usage.own.growth(last.own) if last else usage.own.growth(Counters())
        children = usage.children.growth(last.children) if last else usage.children.growth(Counters())
        own.add(children)
        return own.growth(self._credit(pid, children.minor_faults))

    def _credit(self, parent_pid: int, waited_faults: int) -> Counters:
        """Return what was counted before of the children that a parent has just waited for.

        Every process has page faults, so a parent whose waited-for faults do not cover a child's did not wait for it
        (it ignores SIGCHLD) and took nothing over.
        """
        credit = Counters()
        left = []
        for exited in self._exited.pop(parent_pid, ()):
            if exited.counted.minor_faults <= waited_faults:
                waited_faults -= exited.counted.minor_faults
                credit.add(exited.counted)
            else:
                left.append(exited)
        if left:
            self._exited[parent_pid] = left
        return credit

    def _forget(self, now: float) -> None:
        """Drop the children that nobody waited for, and the services that are gone for long."""
        # A parent that was read just before it waited takes over at its next sample, not later.
        kept = {pid: [one for one in exited if one.round >= self._round - 1] for pid, exited in self._exited.items()}
        self._exited = {pid: exited for pid, exited in kept.items() if exited and pid in self._members}
        live = {member.service for member in self._members.values()}
        for service, total in list(self._totals.items()):
            if service in live:
                total.seen_at = now
            elif now - total.seen_at > self._retain_seconds:
                del self._totals[service]


_OPEN = Membership(UNDECIDED, starts=False, started_at=0.0)
