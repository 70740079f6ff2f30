"""What processes use, told by the kernel itself through an eBPF program (`taskprogram`); /proc where that may not be.

Needs Linux 6.2, CAP_BPF and CAP_PERFMON, and a /proc of this process's own PID namespace. Unlike /proc it tells the run
delay and the switches of all threads, and processor time to the nanosecond. Who did not run is not asked for.
"""

import logging
import os
from collections.abc import Collection, Mapping, Set
from contextlib import ExitStack
from pathlib import Path

from exporter.services.usage import Counters, Reading, Sample, Usage, Usages
from exporter.sources.chosen import MOST_CHOSEN, Chosen, functions
from exporter.sources.clocks import due, processor_times
from exporter.sources.ebpf import kernel, numbering
from exporter.sources.ebpf.btf import TYPES, Layout, layout_of
from exporter.sources.ebpf.taskprogram import FUNCTION, MAX_THREADS, MEMBERS, RECORD, program
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import PidNamespace, shown_by
from exporter.sources.runtimes import RunTimes
from exporter.sources.usage import UsageReader

log = logging.getLogger(__name__)

_NO_COUNTERS = Counters()


class TaskReader:
    """Reads the usage of all processes of this host; what the kernel does not tell of, through another reader."""

    def __init__(
        self, fallback: Usages, namespace: PidNamespace, types: Path = TYPES, times: RunTimes = processor_times
    ) -> None:
        """Load the program.

        Args:
            namespace: whose numbers processes are asked for by; this process's own.
            times: tells which of them ran.
            fallback: reads the processes of more threads than the program adds up, and those that the kernel hides.

        Raises:
            SourceError: the kernel is too old, or does not allow it.
        """
        found = _layout(types, namespace)
        self._fallback = fallback
        self._page_bytes = os.sysconf("SC_PAGESIZE")
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._times = times
        self._last: dict[int, Sample] = {}
        self._seen: dict[int, int] = {}  # the clock of each process before it was last read
        self._large: set[int] = set()
        self._rounds = 0
        with ExitStack() as opened:

            def keep(descriptor: int) -> int:
                opened.callback(os.close, descriptor)
                return descriptor

            code = program(found, 0 if namespace.is_initial else namespace.inode)
            loaded = keep(kernel.load_iterator("larimar_tasks", code, found.functions[FUNCTION]))
            self._all = keep(kernel.link(loaded))
            self._chosen = _chosen(namespace, found)
            opened.callback(self._chosen.close if self._chosen else lambda: None)
            self._opened = opened.pop_all()

    def read(self, pids: Set[int], with_swap: bool = False) -> Reading:
        """Run the program for the processes that ran.

        Raises:
            SourceError: the program cannot be run.
        """
        self._rounds += 1
        for pid in self._last.keys() - pids:
            self._forget(pid)
        chosen = due(pids, self._times(pids), self._seen, self._rounds)
        found = self._take(self._run(chosen), chosen)
        for pid in (chosen.keys() - found.keys()) & self._last.keys():
            self._forget(pid)  # it has ended, or is no longer what it was
        others = self._fallback.read((pids - self._last.keys()) | self._large.intersection(pids), with_swap)
        changed = [self._last[pid] for pid, is_changed in found.items() if is_changed and pid not in self._large]
        return Reading([*changed, *others.changed], others.ended, others.forbidden)

    def close(self) -> None:
        """Unload the program."""
        self._opened.close()
        self._fallback.close()

    def _run(self, pids: Collection[int]) -> bytes:
        if self._chosen is not None and len(pids) <= MOST_CHOSEN:
            return self._chosen.run(pids)
        return kernel.run(self._all)

    def _take(self, records: bytes, due: Mapping[int, int]) -> dict[int, bool]:
        """Decode the records of the processes that are due; return whether each says anything new."""
        found = {}
        for fields in RECORD.iter_unpack(records):
            pid = fields[0]
            if pid in due:
                sample = self._sample(fields)
                found[pid] = self._seen.get(pid) != due[pid] or self._last.get(pid) != sample
                self._last[pid] = sample
                self._seen[pid] = due[pid]
        return found

    def _forget(self, pid: int) -> None:
        del self._last[pid]
        self._seen.pop(pid, None)
        self._large.discard(pid)

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


def open_usages(proc: Path, reader: UsageReader, times: RunTimes = processor_times) -> tuple[Usages, str]:
    """Return the best reader that this host allows, and why it is not the kernel's own; empty where it is.

    Args:
        reader: of /proc.
        times: as for a `TaskReader`.
    """
    try:
        namespace = shown_by(proc)
        if not namespace.is_own:
            raise SourceError(f"{proc} shows another PID namespace")  # the kernel goes through this process's own
        return TaskReader(reader, namespace, times=times), ""
    except SourceError as error:
        log.info("no eBPF for processes, reading /proc", extra={"reason": str(error)})
        return reader, str(error)


def _layout(types: Path, namespace: PidNamespace) -> Layout:
    """Return what the programs need; without the functions of a newer kernel than this one."""
    members = MEMBERS if namespace.is_initial else (*MEMBERS, *numbering.MEMBERS)
    try:
        return layout_of(types, members, (FUNCTION, *functions(namespace)))
    except SourceError:
        return layout_of(types, members, (FUNCTION,))


def _chosen(namespace: PidNamespace, found: Layout) -> Chosen | None:
    if not found.functions.keys() >= set(functions(namespace)):
        return None
    try:
        return Chosen(namespace, found)
    except SourceError as error:
        log.info("going through all threads each time", extra={"reason": str(error)})
        return None


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
