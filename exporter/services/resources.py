"""Resources per service: counters that never fall, whatever becomes of the processes."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from exporter.services.members import UNDECIDED, Gauges, Held, Membership
from exporter.services.usage import CgroupUse, Counters, Sample, Usage

NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ServiceResources:
    """One service's resources.

    Attributes:
        counters: since the exporter first saw the service.
        starts: how often an instance started while the exporter ran.
        gauges: of its members at the last sample.
        has_io: whether disk, call and file counts could ever be read of a member.
        has_waits: the same of run delays and context switches.
        has_memory_events: whether page faults and what is swapped out are told at all.
        cgroups: of the cgroups that are all the service's own; None where it never had any.
        proportional_share: of the resident memory, what is left when pages that several processes share are divided
            among them; None where not known.
    """

    counters: Counters
    starts: int
    gauges: Gauges
    has_io: bool
    has_waits: bool = False
    has_memory_events: bool = True
    cgroups: CgroupUse | None = None
    proportional_share: float | None = None


@dataclass(slots=True)
class _Member:
    """A process; `counted` is what was counted of it, None while all that it ever used is still to be counted."""

    sample: Sample
    membership: Membership
    counted: Usage | None


@dataclass(slots=True)
class _Total:
    counters: Counters = field(default_factory=Counters)
    held: Held = field(default_factory=Held)
    starts: int = 0
    has_io: bool = False
    has_waits: bool = False
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
        self._memberships: Mapping[int, Membership] = {}
        self._totals: dict[str, _Total] = {}
        self._exited: dict[int, list[_Exited]] = {}
        self._round = 0

    def update(
        self,
        changed: Iterable[Sample],
        alive: Set[int],
        members: Mapping[int, Membership],
        now: float,
        renamed: Mapping[str, str] = NO_NAMES,
    ) -> dict[str, ServiceResources]:
        """Count what processes used since the last time and return every service's resources.

        Args:
            changed: those that used anything, and those that are new.
            alive: all processes that are there; others have ended.
            members: by PID, the same object as before where nothing changed; a process without an entry is undecided.
            now: seconds, of any clock that does not go back.
            renamed: names that turned out to be none, and those that their processes have.
        """
        self._round += 1
        taken = {sample.pid: sample for sample in changed}
        replaced = [pid for pid in self._members.keys() & taken.keys() if self._was_replaced(taken[pid])]
        for pid in {*replaced, *(self._members.keys() - alive)}:
            self._take_leave(self._members.pop(pid))
        self._follow(members)
        for pid, sample in taken.items():
            self._count(sample, members.get(pid, _OPEN))
        for old, new in renamed.items():
            self._rename(old, new)
        self._forget(now)
        return {
            name: ServiceResources(
                replace(total.counters), total.starts, total.held.gauges(), total.has_io, total.has_waits
            )
            for name, total in self._totals.items()
        }

    def _was_replaced(self, sample: Sample) -> bool:
        """Return whether a PID is another process's now."""
        return self._members[sample.pid].sample.start_ticks != sample.start_ticks

    def _take_leave(self, member: _Member) -> None:
        """Remember what was counted of a process that ended, for the parent that waited for it."""
        if member.membership.service != UNDECIDED:
            self._totals[member.membership.service].held.leave(member.sample.pid, member.sample.usage)
        if member.counted is not None:
            counted = replace(member.counted.own)
            counted.add(member.counted.children)
            self._exited.setdefault(member.sample.parent_pid, []).append(_Exited(counted, self._round))

    def _follow(self, members: Mapping[int, Membership]) -> None:
        """Move processes to the services that they were found to belong to."""
        if members is self._memberships:
            return
        self._memberships = members
        for pid, member in self._members.items():
            membership = members.get(pid, _OPEN)
            if membership is not member.membership and membership != member.membership:
                self._move(member, membership)

    def _rename(self, old: str, new: str) -> None:
        """Count what one service used for another, once no process belongs to it."""
        total = self._totals.get(old)
        if total is None or total.held.processes:
            return
        del self._totals[old]
        heir = self._totals.setdefault(new, _Total())
        heir.counters.add(total.counters)
        heir.starts += total.starts
        heir.has_io = heir.has_io or total.has_io
        heir.seen_at = max(heir.seen_at, total.seen_at)

    def _move(self, member: _Member, membership: Membership) -> None:
        pid, usage = member.sample.pid, member.sample.usage
        if member.membership.service != UNDECIDED:
            self._totals[member.membership.service].held.leave(pid, usage)
        member.membership = membership
        if membership.service != UNDECIDED:
            self._total(membership).held.join(pid, usage, membership)
            self._credit_service(member)

    def _count(self, sample: Sample, membership: Membership) -> None:
        """Add what a process used since its last sample to its service."""
        member = self._members.get(sample.pid)
        if member is None:
            before = sample.usage if self._round == 1 else None
            member = self._members[sample.pid] = _Member(sample, _OPEN, before)
            self._move(member, membership)
            return
        before, member.sample = member.sample.usage, sample
        if membership.service != UNDECIDED:
            self._totals[membership.service].held.change(sample.pid, before, sample.usage, membership)
            self._credit_service(member)

    def _credit_service(self, member: _Member) -> None:
        usage, total = member.sample.usage, self._totals[member.membership.service]
        total.starts += member.membership.starts and member.counted is None
        total.has_io = total.has_io or usage.has_io
        total.has_waits = total.has_waits or usage.has_waits
        if member.counted is not usage:
            total.counters.add(self._growth(member.sample.pid, usage, member.counted))
            member.counted = usage

    def _total(self, membership: Membership) -> _Total:
        return self._totals.setdefault(membership.service, _Total())

    def _growth(self, pid: int, usage: Usage, last: Usage | None) -> Counters:
        """Return what is to be counted of a process and of its children that nobody counted."""
        own = usage.own.growth(last.own) if last else replace(usage.own)
        if last is None or usage.children != last.children:
            children = usage.children.growth(last.children) if last else usage.children
            own.add(children)
            return own.growth(self._credit(pid, children.minor_faults)) if pid in self._exited else own
        return own

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
        for service, total in list(self._totals.items()):
            if total.held.processes:
                total.seen_at = now
            elif now - total.seen_at > self._retain_seconds:
                del self._totals[service]


_OPEN = Membership(UNDECIDED, starts=False, started_at=0.0)
