"""What this process itself takes, by the names that all of Prometheus' client libraries have for it."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from toolkit.families import Family, counter, gauge, single


class OwnProcess:
    """The families `process_*` and `python_*`; the former only where there is a procfs.

    Args:
        proc: where procfs is mounted.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._own = proc / "self"

    def collect(self) -> Iterator[Family]:
        """Yield them; what may not be read is left out."""
        for families in (self._usage, self._files):
            try:
                yield from families()
            except OSError:
                continue  # there is no procfs, or it is hidden: the same as in the client libraries
        yield _interpreter()
        yield from _collections()

    def _usage(self) -> tuple[Family, ...]:
        fields = self._own.joinpath("stat").read_bytes().rpartition(b")")[2].split()
        lines = self._proc.joinpath("stat").read_bytes().splitlines()
        booted = next((float(line.split()[1]) for line in lines if line.startswith(b"btime ")), 0.0)
        ticks = os.sysconf("SC_CLK_TCK")
        spent = (int(fields[11]) + int(fields[12])) / ticks
        resident = int(fields[21]) * os.sysconf("SC_PAGESIZE")
        started = booted + int(fields[19]) / ticks
        return (
            single("process_virtual_memory_bytes", "Virtual memory size in bytes.", int(fields[20])),
            single("process_resident_memory_bytes", "Resident memory size in bytes.", resident),
            single("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", started),
            single("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", spent),
        )

    def _files(self) -> tuple[Family, ...]:
        opened = sum(1 for _ in self._own.joinpath("fd").iterdir())
        lines = self._own.joinpath("limits").read_bytes().splitlines()
        limit = next((line.split()[3] for line in lines if line.startswith(b"Max open files")), b"unlimited")
        most = float("inf") if limit == b"unlimited" else float(limit)
        return (
            single("process_open_fds", "Number of open file descriptors.", opened),
            single("process_max_fds", "Maximum number of open file descriptors.", most),
        )


def _interpreter() -> Family:
    labels = ("version", "implementation", "major", "minor", "patchlevel")
    family = gauge("python_info", "Python platform information", labels)
    numbers = tuple(map(str, sys.version_info[:3]))
    known = {"cpython": "CPython", "pypy": "PyPy"}
    name = sys.implementation.name
    family.add((".".join(numbers), known.get(name, name), *numbers), 1)
    return family


def _collections() -> tuple[Family, ...]:
    collected = counter("python_gc_objects_collected_total", "Objects collected during gc", ("generation",))
    uncollectable = counter(
        "python_gc_objects_uncollectable_total", "Uncollectable objects found during GC", ("generation",)
    )
    collections = counter(
        "python_gc_collections_total", "Number of times this generation was collected", ("generation",)
    )
    for generation, one in enumerate(gc.get_stats()):
        labels = (str(generation),)
        collected.add(labels, one["collected"])
        uncollectable.add(labels, one["uncollectable"])
        collections.add(labels, one["collections"])
    return collected, uncollectable, collections
