"""Reads what processes have used, through descriptors that stay open for those that run.

A kept descriptor makes a reading cheap, and fails once its process is gone, so a reused PID cannot be mistaken. What
an idle process has used is not read again: the clock of its run time says whether it did anything. Where that cannot be
asked its `stat` does, except for calls too few to fill a clock tick. Once in a while every process is read in full: its
memory may be taken without its doing.
"""

import os
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from exporter.services.usage import Counters, Reading, Sample, Usage
from exporter.sources import procparse
from exporter.sources.clocks import UNKNOWN, due
from exporter.sources.runtimes import RunTimes, run_times

_FULL_EVERY = 8  # samples between two full readings of a process that seems idle by its `stat`
_DESCRIPTORS_EACH = 3
_NONE = -1
# Anything else, such as too many open files, says nothing of the process.
_ENDED = (ProcessLookupError, FileNotFoundError, PermissionError, ValueError)


@dataclass(slots=True)
class _Kept:
    """One process's descriptors and last reading; a descriptor is -1 where it may not be read."""

    stat: int
    io: int
    files: int
    text: bytes = b""
    sample: Sample | None = None

    def close(self) -> None:
        for descriptor in (self.stat, self.io, self.files):
            if descriptor != _NONE:
                os.close(descriptor)


class UsageReader:
    """Reads the usage of processes from one /proc."""

    def __init__(self, proc: Path, max_descriptors: int = 30_000, times: RunTimes | None = None) -> None:
        """Prepare to read.

        Args:
            max_descriptors: how many to keep open; the processes beyond are opened at each reading.
            times: tells which processes ran; by default asks their clocks at each reading.
        """
        self._times = times or run_times(proc)
        self._seen: dict[int, int] = {}  # the clock of each process before its last reading, where that is known
        self._forbidden: set[int] = set()
        self._proc = str(proc)
        self._page_bytes = os.sysconf("SC_PAGESIZE")
        self._max_kept = max_descriptors // _DESCRIPTORS_EACH
        self._kept: dict[int, _Kept] = {}
        self._rounds = 0
        self._sizes_count = self._sizes_count_files()
        self._tick_nanoseconds = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    def read(self, pids: Set[int], with_swap: bool = False) -> Reading:
        """Read these processes; those that did not run are only now and then read in full."""
        self._forget(pids)
        self._rounds += 1
        changed, ended = [], []
        for pid, ran in due(pids, self._times(pids), self._seen, self._rounds).items():
            before = self._kept.get(pid)
            last = before.sample if before is not None else None
            is_busy = ran == UNKNOWN or self._seen.get(pid, ran) != ran
            sample = self._sample(pid, before, with_swap) if is_busy else self._sample_idle(pid, with_swap)
            if sample is None:
                ended.append(pid)
                self._forget_one(pid)
                continue
            if ran != UNKNOWN:
                self._seen[pid] = ran
            if not sample.usage.has_io:
                self._forbidden.add(pid)
            if sample is not last:
                changed.append(sample)
        return Reading(changed, ended, len(self._forbidden))

    def _forget(self, pids: Set[int]) -> None:
        for pid in (self._kept.keys() | self._seen.keys()) - pids:
            self._forget_one(pid)

    def _forget_one(self, pid: int) -> None:
        kept = self._kept.pop(pid, None)
        if kept is not None:
            kept.close()
        self._seen.pop(pid, None)
        self._forbidden.discard(pid)

    def close(self) -> None:
        """Close every descriptor."""
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()

    def _sample(self, pid: int, kept: _Kept | None, with_swap: bool) -> Sample | None:
        """Read one process; None where it has ended, also when another one has its PID meanwhile."""
        try:
            if kept is None:
                if len(self._kept) >= self._max_kept:
                    return self._read_once(pid, with_swap)
                kept = self._kept[pid] = self._open(pid)
            text = os.pread(kept.stat, 1024, 0)
            if text == kept.text and pid not in self._seen and (pid + self._rounds) % _FULL_EVERY:
                return kept.sample
            kept.sample = self._full(pid, kept, text, with_swap)
            kept.text = text
        except _ENDED:
            return None
        return kept.sample

    def _sample_idle(self, pid: int, with_swap: bool) -> Sample | None:
        """Read one process that will not be read again soon; None as above."""
        kept = self._kept.pop(pid, None)
        if kept is not None:
            kept.close()
        try:
            return self._read_once(pid, with_swap)
        except _ENDED:
            return None

    def _read_once(self, pid: int, with_swap: bool) -> Sample:
        kept = self._open(pid)
        try:
            return self._full(pid, kept, os.pread(kept.stat, 1024, 0), with_swap)
        finally:
            kept.close()

    def _open(self, pid: int) -> _Kept:
        folder = f"{self._proc}/{pid}"
        kept = _Kept(os.open(f"{folder}/stat", os.O_RDONLY | os.O_CLOEXEC), _NONE, _NONE)
        try:
            kept.io = _descriptor(f"{folder}/io", os.O_RDONLY)
            kept.files = _descriptor(f"{folder}/fd", os.O_PATH | os.O_DIRECTORY)
        except OSError:  # it has just ended, or there are too many open files
            kept.close()
            raise
        return kept

    def _full(self, pid: int, kept: _Kept, text: bytes, with_swap: bool) -> Sample:
        """Decode a reading; that of before where nothing changed.

        Raises:
            OSError: the process has ended.
            ValueError: its files are no such files.
        """
        stat = procparse.stat(text)
        io, tick = _io(kept.io), self._tick_nanoseconds
        usage = Usage(
            own=Counters(
                stat.user_ticks * tick,
                stat.system_ticks * tick,
                stat.minor_faults,
                stat.major_faults,
                io.read_bytes if io else 0,
                io.written_bytes if io else 0,
                io.read_calls if io else 0,
                io.write_calls if io else 0,
            ),
            children=Counters(
                stat.children_user_ticks * tick,
                stat.children_system_ticks * tick,
                stat.children_minor_faults,
                stat.children_major_faults,
            ),
            resident_bytes=stat.resident_pages * self._page_bytes,
            swap_bytes=self._swap(pid) if with_swap else 0,
            threads=stat.threads,
            open_files=self._open_files(pid, kept.files),
            has_io=io is not None,
        )
        sample = Sample(pid, stat.start_ticks, stat.parent_pid, stat.comm, usage)
        return kept.sample if kept.sample is not None and kept.sample == sample else sample

    def _open_files(self, pid: int, descriptor: int) -> int:
        if descriptor == _NONE:
            return 0
        if self._sizes_count:
            return os.fstat(descriptor).st_size
        try:
            return len(os.listdir(f"{self._proc}/{pid}/fd"))
        except PermissionError:
            return 0

    def _swap(self, pid: int) -> int:
        try:
            return procparse.swap_bytes(Path(self._proc, str(pid), "status").read_bytes())
        except PermissionError:
            return 0

    def _sizes_count_files(self) -> bool:
        """Return whether the size of /proc/PID/fd is the number of files, as since Linux 6.2."""
        try:
            listed = len(os.listdir(f"{self._proc}/self/fd"))
            return listed - 1 <= os.stat(f"{self._proc}/self/fd").st_size <= listed
        except OSError:
            return False


def descriptor_budget(wanted: int) -> int:
    """Return how many descriptors may be kept open, at most `wanted`, and raise this process's limit to allow them.

    A sixth of the limit is left for everything else, and for what is only opened for a moment.
    """
    import resource  # noqa: PLC0415  # Windows, which has no procfs either, has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * 6 // 5
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft * 5 // 6)


def _io(descriptor: int) -> procparse.Io | None:
    """Read the I/O counts; None where they may not be read, which may show only now."""
    if descriptor == _NONE:
        return None
    try:
        return procparse.io(os.pread(descriptor, 512, 0))
    except PermissionError:
        return None


def _descriptor(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except (PermissionError, FileNotFoundError):
        return _NONE
