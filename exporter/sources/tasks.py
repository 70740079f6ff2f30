"""What processes use, told by the kernel itself through an eBPF program (`taskprogram`); /proc where that may not be.

Needs Linux 6.2, CAP_BPF and CAP_PERFMON, and a /proc of this process's own PID namespace. Unlike /proc it tells the run
delay and the switches of all threads, and processor time to the nanosecond.
"""

import logging
import os
import struct
from collections.abc import Set
from contextlib import ExitStack
from pathlib import Path

from exporter.services.usage import Counters, Reading, Sample, Usage, Usages
from exporter.sources.ebpf import kernel, numbering
from exporter.sources.ebpf.btf import TYPES, layout_of
from exporter.sources.ebpf.kernel import ARRAY, HASH, NO_PREALLOCATION
from exporter.sources.ebpf.taskprogram import FUNCTION, MAX_THREADS, MEMBERS, RECORD, SEEN, TURNS, program
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import PidNamespace, shown_by
from exporter.sources.usage import UsageReader

log = logging.getLogger(__name__)

MAX_PROCESSES = 1 << 16  # those beyond are told at every reading
_NO_COUNTERS = Counters()
_PID = struct.Struct("=I")  # the beginning of a record


class TaskReader:
    """Reads the usage of all processes of this host; what the kernel does not tell of, through another reader."""

    def __init__(self, fallback: Usages, namespace: PidNamespace, types: Path = TYPES) -> None:
        """Load the program.

        Args:
            namespace: whose numbers processes are asked for by; this process's own.
            fallback: reads the processes of more threads than the program adds up, and those that the kernel hides.

        Raises:
            SourceError: the kernel is too old, or does not allow it.
        """
        members = MEMBERS if namespace.is_initial else (*MEMBERS, *numbering.MEMBERS)
        found = layout_of(types, members, (FUNCTION,))
        self._fallback = fallback
        self._page_bytes = os.sysconf("SC_PAGESIZE")
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._last: dict[int, Sample] = {}
        self._records: dict[int, bytes] = {}
        self._undelivered: set[int] = set()
        self._large: set[int] = set()
        self._rounds = 0
        with ExitStack() as opened:

            def keep(descriptor: int) -> int:
                opened.callback(os.close, descriptor)
                return descriptor

            self._seen = keep(kernel.create_map(HASH, 4, SEEN.size, MAX_PROCESSES, NO_PREALLOCATION))
            self._turn = keep(kernel.create_map(ARRAY, 4, 4, 1))
            inode = 0 if namespace.is_initial else namespace.inode
            code = program(found, self._seen, self._turn, inode)
            loaded = keep(kernel.load_iterator("larimar_tasks", code, found.functions[FUNCTION]))
            self._link = keep(kernel.link(loaded))
            self._opened = opened.pop_all()

    def read(self, pids: Set[int], with_swap: bool = False) -> Reading:
        """Run the program; what it told of processes that nobody knew yet is kept for when they are asked for.

        Raises:
            SourceError: the program cannot be run.
        """
        self._rounds += 1
        kernel.update(self._turn, bytes(4), struct.pack("=I", 1 << self._rounds % TURNS))
        told = self._take(kernel.run(self._link))
        for pid in self._last.keys() - pids - told:
            self._forget(pid)
        fresh = self._undelivered.intersection(pids)
        self._undelivered -= fresh
        changed = [self._last[pid] for pid in fresh - self._large]
        others = self._fallback.read((pids - self._last.keys()) | self._large.intersection(pids), with_swap)
        return Reading([*changed, *others.changed], others.ended, others.forbidden)

    def close(self) -> None:
        """Unload the program."""
        self._opened.close()
        self._fallback.close()

    def _take(self, records: bytes) -> set[int]:
        """Decode the records that say anything new; return whose there are."""
        told = set()
        for start in range(0, len(records), RECORD.size):
            record = records[start : start + RECORD.size]
            (pid,) = _PID.unpack_from(record)
            told.add(pid)
            if self._records.get(pid) != record:
                self._records[pid] = record
                self._last[pid] = self._sample(RECORD.unpack(record))
                self._undelivered.add(pid)
        return told

    def _forget(self, pid: int) -> None:
        del self._last[pid], self._records[pid]
        self._undelivered.discard(pid)
        self._large.discard(pid)
        kernel.delete(self._seen, struct.pack("=I", pid))

    def _sample(self, fields: tuple[int, ...]) -> Sample:
        """Make a sample of a record, in its order."""
        pid, parent, threads, files, start, user, system, run = fields[:8]
        minor, major, voluntary, involuntary = fields[8:12]
        read_bytes, written_bytes, read_calls, write_calls, delay = fields[12:17]
        of_files, anonymous, swapped, shared = fields[21:25]
        start_ticks = start * self._ticks_per_second // 1_000_000_000
        if threads > MAX_THREADS:
            self._large.add(pid)
        before = self._last.get(pid)
        same = before is not None and before.start_ticks == start_ticks
        user, system = _split(run, user, system, before.usage.own if before is not None and same else _NO_COUNTERS)
        own = (user, system, minor, major, read_bytes, written_bytes, read_calls, write_calls)
        usage = Usage(
            own=Counters(*own, delay, voluntary, involuntary),
            children=Counters(*fields[17:21]),
            resident_bytes=max(0, of_files + anonymous + shared) * self._page_bytes,
            swap_bytes=max(0, swapped) * self._page_bytes,
            threads=threads,
            open_files=files,
            has_io=True,
            has_waits=True,
        )
        return Sample(pid, start_ticks, parent, _name(fields[25]), usage)


def open_usages(proc: Path, reader: UsageReader) -> tuple[Usages, str]:
    """Return the best reader that this host allows, and why it is not the kernel's own; empty where it is.

    Args:
        reader: of /proc.
    """
    try:
        namespace = shown_by(proc)
        if not namespace.is_own:
            raise SourceError(f"{proc} shows another PID namespace")  # the kernel goes through this process's own
        return TaskReader(reader, namespace), ""
    except SourceError as error:
        log.info("no eBPF for processes, reading /proc", extra={"reason": str(error)})
        return reader, str(error)


def _split(run: int, user: int, system: int, before: Counters) -> tuple[int, int]:
    """Return user and system time that add up to the run time, as exact, in the shares of the two that were sampled.

    Neither falls; /proc does the same. Source: Linux, cputime_adjust in kernel/sched/cputime.c.
    """
    told_user = run * user // (user + system) if user + system else run
    told_user = min(
        max(told_user, before.user_nanoseconds), max(run - before.system_nanoseconds, before.user_nanoseconds)
    )
    return told_user, max(run - told_user, before.system_nanoseconds)


def _name(raw: object) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else ""
