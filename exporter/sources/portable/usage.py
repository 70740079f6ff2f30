"""What processes have used, as psutil tells: no page faults, no swap, no time spent waiting; no I/O on macOS."""

import sys
from collections.abc import Mapping, Set
from dataclasses import replace

import psutil

from exporter.services.naming import Named
from exporter.services.resources import Resources, ServiceResources
from exporter.services.usage import Counters, Reading, Sample, Usage
from exporter.sources.portable.lives import Lives
from exporter.sources.portable.processes import short_name
from exporter.sources.procparse import Io

NANOSECONDS = 1_000_000_000
NO_IO = Io(0, 0, 0, 0)


class PortableUsages:
    """Implements `host.HostUsages`.

    Attributes:
        tells_io: whether this system tells what processes read and write at all.
    """

    tells_io = hasattr(psutil.Process, "io_counters")

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        self._resources = Resources()
        self._last: dict[int, Sample] = {}
        self._forbidden: set[int] = set()

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What may be told, by name."""
        return {"bpf_tasks": False, "cgroup_v2": False, "cgroup_controllers": False}

    @property
    def forbidden(self) -> int:
        """Return how many processes did not show their I/O at the last reading."""
        return len(self._forbidden)

    def read(self, pids: Set[int]) -> Reading:
        """Read what these processes have used."""
        for pid in self._last.keys() - pids:
            del self._last[pid]
        self._forbidden &= pids
        changed, ended = [], []
        for pid in pids:
            try:
                sample = self._sample(pid)
            except psutil.ZombieProcess:
                continue  # what it used was read, or reaches its parent
            except psutil.AccessDenied:
                self._forbidden.add(pid)
                continue
            except psutil.Error:
                ended.append(pid)
                continue
            if not sample.usage.has_io:
                self._forbidden.add(pid)
            if self._last.get(pid) != sample:
                self._last[pid] = sample
                changed.append(sample)
        return Reading(changed, ended, len(self._forbidden))

    def add(self, reading: Reading, alive: Set[int], named: Named, now: float) -> Mapping[str, ServiceResources]:
        """Return every service's resources; arguments as for `HostUsage.add`."""
        told = self._resources.update(reading.changed, alive, named.members, now, named.renamed)
        return {name: replace(one, has_memory_events=False) for name, one in told.items()}

    def close(self) -> None:
        """Nothing is held."""

    def _sample(self, pid: int) -> Sample:
        """Read one process.

        Raises:
            psutil.Error: it has ended, or may not be read.
        """
        life = self._lives.of(pid)
        process = life.process
        with process.oneshot():
            times, io = process.cpu_times(), _io(process)
            usage = Usage(
                own=Counters(
                    nanoseconds(times.user),
                    nanoseconds(times.system),
                    read_bytes=io.read_bytes,
                    written_bytes=io.written_bytes,
                    read_calls=io.read_calls,
                    write_calls=io.write_calls,
                ),
                children=Counters(
                    nanoseconds(getattr(times, "children_user", 0.0)),  # Windows has none
                    nanoseconds(getattr(times, "children_system", 0.0)),
                ),
                resident_bytes=process.memory_info().rss,
                swap_bytes=0,
                threads=process.num_threads(),
                open_files=_open_files(process),
                has_io=io is not NO_IO,
            )
            return Sample(pid, life.start_ticks, process.ppid(), short_name(process), usage)


def nanoseconds(seconds: float) -> int:
    """Return seconds as nanoseconds."""
    return round(seconds * NANOSECONDS)


def _io(process: psutil.Process) -> Io:
    """Return what a process read and wrote; `NO_IO` where that is not told."""
    try:
        told = process.io_counters()
    except (psutil.AccessDenied, AttributeError):  # macOS has none
        return NO_IO
    return Io(told.read_count, told.write_count, told.read_bytes, told.write_bytes)


def _open_files(process: psutil.Process) -> int:
    try:
        if sys.platform == "win32":
            return process.num_handles()
        return process.num_fds()
    except psutil.AccessDenied:
        return 0
