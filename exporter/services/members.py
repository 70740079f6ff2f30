"""Which processes make up a service, and what they hold at one moment."""

from dataclasses import dataclass, field

from exporter.services.usage import Usage

UNDECIDED = ""
"""The service of a process too young to have one; what it uses is kept for the service that it will have."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which service a process is counted for.

    Attributes:
        service: its name, `UNDECIDED` while that is open.
        starts: whether the process is the first of its service's instance, not a worker of it.
        started_at: seconds since the epoch.
        open_files_limit: the soft limit, 0 where unlimited or not known.
    """

    service: str
    starts: bool
    started_at: float
    open_files_limit: int = 0


@dataclass(slots=True)
class Gauges:
    """What the members of one service hold together.

    Attributes:
        processes, threads, open_files: numbers.
        resident_bytes, swap_bytes: memory; pages shared by members count once for each.
        open_files_limit_ratio: the highest share of its limit that one member has open, 0 where not known.
        started_at: the oldest member's start, seconds since the epoch; 0 without members.
    """

    processes: int = 0
    threads: int = 0
    open_files: int = 0
    resident_bytes: int = 0
    swap_bytes: int = 0
    open_files_limit_ratio: float = 0.0
    started_at: float = 0.0


@dataclass(slots=True)
class Held:
    """The members of one service and the sums of what they hold, kept as they come, change and go."""

    threads: int = 0
    open_files: int = 0
    resident_bytes: int = 0
    swap_bytes: int = 0
    _started_at: dict[int, float] = field(default_factory=dict)
    _file_ratios: dict[int, float] = field(default_factory=dict)

    @property
    def processes(self) -> int:
        """How many members there are."""
        return len(self._started_at)

    def join(self, pid: int, usage: Usage, membership: Membership) -> None:
        """Add a member."""
        self._started_at[pid] = membership.started_at
        self._hold(usage, 1)
        self._compare(pid, usage, membership)

    def change(self, pid: int, before: Usage, usage: Usage, membership: Membership) -> None:
        """Follow what a member holds."""
        self._hold(before, -1)
        self._hold(usage, 1)
        self._compare(pid, usage, membership)

    def leave(self, pid: int, usage: Usage) -> None:
        """Remove a member."""
        del self._started_at[pid]
        self._file_ratios.pop(pid, None)
        self._hold(usage, -1)

    def gauges(self) -> Gauges:
        """Return what all members hold together."""
        return Gauges(
            processes=self.processes,
            threads=self.threads,
            open_files=self.open_files,
            resident_bytes=self.resident_bytes,
            swap_bytes=self.swap_bytes,
            open_files_limit_ratio=max(self._file_ratios.values(), default=0.0),
            started_at=min(self._started_at.values(), default=0.0),
        )

    def _hold(self, usage: Usage, sign: int) -> None:
        self.threads += sign * usage.threads
        self.open_files += sign * usage.open_files
        self.resident_bytes += sign * usage.resident_bytes
        self.swap_bytes += sign * usage.swap_bytes

    def _compare(self, pid: int, usage: Usage, membership: Membership) -> None:
        if membership.open_files_limit:
            self._file_ratios[pid] = usage.open_files / membership.open_files_limit
