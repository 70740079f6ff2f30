"""What one process has used, as the kernel counts it."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """Amounts that only grow while a process lives.

    Attributes:
        cpu_user_ticks, cpu_system_ticks: CPU time in clock ticks.
        minor_faults, major_faults: page faults.
        read_bytes, written_bytes: from and to disks.
        read_calls, write_calls: system calls of the read and write families.
    """

    cpu_user_ticks: int = 0
    cpu_system_ticks: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    read_calls: int = 0
    write_calls: int = 0

    def add(self, other: "Counters") -> None:
        """Add `other` to self in place."""
        for name in COUNTER_NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def growth(self, earlier: "Counters") -> "Counters":
        """Return how much self is above `earlier`, never below zero."""
        return Counters(*(max(0, getattr(self, name) - getattr(earlier, name)) for name in COUNTER_NAMES))


COUNTER_NAMES = tuple(field.name for field in fields(Counters))


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading of a process.

    Attributes:
        own: what it used itself; its disk and call counts include those of children that it waited for.
        children: CPU time and faults of the children that it waited for, and of theirs.
        resident_bytes, swap_bytes: memory.
        threads, open_files: numbers.
        has_io: whether disk and call counts, and the number of open files, could be read.
    """

    own: Counters
    children: Counters
    resident_bytes: int
    swap_bytes: int
    threads: int
    open_files: int
    has_io: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """A process's reading; equal readings of an idle process are the same `usage` object.

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
