"""What one process has used, as the kernel counts it."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Protocol

NOT_LIMITED = 0


@dataclass(slots=True)
class Counters:
    """Amounts that only grow while a process lives.

    Attributes:
        user_nanoseconds, system_nanoseconds: CPU time.
        minor_faults, major_faults: page faults.
        read_bytes, written_bytes: from and to disks.
        read_calls, write_calls: system calls of the read and write families.
        delay_nanoseconds: how long threads were ready to run while all processors were taken.
        voluntary_switches, involuntary_switches: how often a thread waited for something, or was made to.
    """

    user_nanoseconds: int = 0
    system_nanoseconds: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    read_calls: int = 0
    write_calls: int = 0
    delay_nanoseconds: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0

    def add(self, other: "Counters") -> None:
        """Add `other` to self in place."""
        for name, number in zip(COUNTER_NAMES, _numbers(other), strict=True):
            if number:
                setattr(self, name, getattr(self, name) + number)

    def growth(self, earlier: "Counters") -> "Counters":
        """Return how much self is above `earlier`, never below zero."""
        return Counters(
            *[
                number - before if number > before else 0
                for number, before in zip(_numbers(self), _numbers(earlier), strict=True)
            ]
        )


COUNTER_NAMES = tuple(one.name for one in fields(Counters))
_numbers = attrgetter(*COUNTER_NAMES)


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading of a process.

    Attributes:
        own: what it used itself; its disk and call counts include those of children that it waited for.
        children: CPU time and faults of the children that it waited for, and of theirs.
        resident_bytes, swap_bytes: memory.
        threads, open_files: numbers.
        has_io: whether disk and call counts, and the number of open files, could be read.
        has_waits: whether run delays and context switches could be read.
    """

    own: Counters
    children: Counters
    resident_bytes: int
    swap_bytes: int
    threads: int
    open_files: int
    has_io: bool
    has_waits: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A process's reading.

    Attributes:
        pid, start_ticks: which process.
        parent_pid: who will wait for it.
        comm: the kernel's short name; it changes when the process executes another program.
        usage: what it has used.
    """

    pid: int
    start_ticks: int
    parent_pid: int
    comm: str
    usage: Usage


@dataclass(slots=True)
class CgroupUse:
    """What a service's own cgroups told, counted since each was first seen.

    Attributes:
        throttled_nanoseconds: how long quotas held it up; None where it cannot have one.
        waiting_nanoseconds: resource -> how long some of it waited for that.
        memory_limit_bytes: `NOT_LIMITED` without any.
        oom_kills: processes that were killed for lack of memory; None where memory is not controlled.
    """

    throttled_nanoseconds: int | None = None
    waiting_nanoseconds: dict[str, int] = field(default_factory=dict)
    memory_limit_bytes: int = NOT_LIMITED
    oom_kills: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What processes have used.

    Attributes:
        changed: those that may have used anything since the last reading, and those that are new.
        ended: of those asked for, which could not be read.
        forbidden: how many did not show their I/O.
    """

    changed: Sequence[Sample]
    ended: Collection[int]
    forbidden: int


class Usages(Protocol):
    """Reads what processes use."""

    def read(self, pids: Set[int], with_swap: bool = False) -> Reading:
        """Read these processes, and forget all others.

        Args:
            with_swap: whether to read how much is swapped out where that is expensive; not done where nothing is.
        """
        ...

    def close(self) -> None:
        """Give up what is kept open."""
        ...
