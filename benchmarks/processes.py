"""The cost of reading processes: `python -m benchmarks.processes`, beside other people's programs in the same run.

Starts mostly idle processes of four threads, one in twenty of which reads now and then, and has all readers sample them
by turns: the exporter with its eBPF program and without (processes, names, sockets, resources and their page), psutil
as its documentation does, prometheus-process-exporter (without threads and smaps), netdata's apps plugin, and
node_exporter's counts of processes, which tells nothing of any one. Prints CPU milliseconds per sample, medians, and
resident memory: of the whole exporter as its command starts it, scraped, and of a process that does nothing else.
Everything is ended afterwards; Debian's packages are unpacked into build/debian.
"""

import argparse
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks.exporter import exporter, memory_bytes, read
from benchmarks.readers import (
    APPS_PLUGIN,
    PROC,
    PROGRAMS,
    Larimar,
    Plugin,
    Program,
    Psutil,
    Reader,
    node_exporter,
    process_exporter,
)
from quickstart.debian import PackageError, Tree, obtain

EXTRA_THREADS = 3
BUSY_ONE_IN = 20
WAKE_SECONDS = 0.2
SETTLING_SECONDS = 8.0  # new processes are looked at once more after five
PAUSE_SECONDS = 0.5
SCRAPES = 20
MEMORY_AT = 1000
TOLD = ("larimar", "larimar_bpf", "process_exporter", "apps_plugin", "psutil")


@dataclass(slots=True)
class Cost:
    """One tool's figures: CPU milliseconds by the number of processes, and megabytes at one of them."""

    cpu_ms_per_sample: dict[str, float] = field(default_factory=dict)
    rss_mb: float = 0.0


def idle(alive: int, busy: bool) -> None:
    """Be a mostly idle process of four threads until the other end of the pipe `alive` is closed."""
    for _ in range(EXTRA_THREADS):
        threading.Thread(target=signal.pause, daemon=True).start()
    while not select.select([alive], [], [], WAKE_SECONDS if busy else None)[0]:
        PROC.joinpath("self/stat").read_bytes()
    os._exit(0)


@contextmanager
def population(size: int) -> Iterator[None]:
    """Keep so many processes running; they end with this one, however it ends."""
    alive, held = os.pipe()
    children: list[int] = []
    try:
        for number in range(size):
            pid = os.fork()
            if pid == 0:
                os.dup2(alive, 3)
                os.closerange(4, os.sysconf("SC_OPEN_MAX"))  # what this process keeps open is not theirs
                idle(3, number % BUSY_ONE_IN == 0)
            children.append(pid)
        yield
    finally:
        os.close(held)
        os.close(alive)
        for pid in children:
            os.waitpid(pid, 0)


def readers(tree: Tree | None, folder: Path) -> dict[str, Reader]:
    """Start every reader that is permitted and to be had; says which are not."""
    wanted: dict[str, Callable[[], Reader]] = {
        "larimar": lambda: Larimar(bpf=False),
        "larimar_bpf": lambda: Larimar(bpf=True),
        "psutil": lambda: Psutil(cached=False),
        "psutil_cached": lambda: Psutil(cached=True),
    }
    if tree is not None:
        wanted |= {
            "process_exporter": lambda: process_exporter(tree, folder),
            "apps_plugin": lambda: Plugin(tree.binary(APPS_PLUGIN), tree.environment(os.environ)),
            "node_exporter": lambda: node_exporter(tree),
        }
    started: dict[str, Reader] = {}
    for name, start in wanted.items():
        try:
            started[name] = start()
        except OSError as error:
            print(f"without {name}: {error}", file=sys.stderr)
    return started


def measure(samplers: Mapping[str, Reader], rounds: int) -> dict[str, float]:
    """Return the median CPU milliseconds per sample of each reader, by turns; not counted before all is settled."""
    taken: dict[str, list[float]] = {name: [] for name in samplers}
    settled = time.monotonic() + SETTLING_SECONDS
    while min(map(len, taken.values())) < rounds:
        counts = time.monotonic() > settled
        for name, reader in samplers.items():
            spent = reader.sample()
            if counts:
                taken[name].append(spent * 1000)
        time.sleep(PAUSE_SECONDS)
    return {name: round(statistics.median(values), 2) for name, values in taken.items()}


def resident_megabytes(name: str, reader: Reader) -> float:
    """Return the resident memory of a program, or of a process that only samples so; the exporter's is all of it."""
    if isinstance(reader, Program):
        return memory_bytes(reader.pid, "VmRSS") / 1e6
    if isinstance(reader, Larimar):
        return whole_exporter_megabytes(name)
    command = [sys.executable, "-m", "benchmarks.processes", "--memory-of", name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def whole_exporter_megabytes(name: str) -> float:
    """Return the resident memory of the exporter as its command starts it, after scrapes."""
    with exporter(*(() if name == "larimar_bpf" else ("--no-bpf",))) as (pid, url):
        for _ in range(SCRAPES):
            read(f"{url}/metrics")
            time.sleep(PAUSE_SECONDS)
        return memory_bytes(pid, "VmRSS") / 1e6


def print_memory(name: str) -> None:
    """Sample three times with psutil and print this process's resident megabytes."""
    reader = Psutil(cached=name == "psutil_cached")
    for _ in range(3):
        reader.sample()
    print(psutil.Process().memory_info().rss / 1e6)


def table(results: Mapping[str, Cost]) -> str:
    """Return the figures for people to read, each beside its multiple of the exporter's with eBPF."""
    sizes = list(next(iter(results.values())).cpu_ms_per_sample)
    lines = [f"{'CPU ms per sample':18s}" + "".join(f"{size:>18s}" for size in sizes) + f"{'RSS MB':>10s}"]
    for name, cost in results.items():
        ours = {key: results[key].cpu_ms_per_sample for key in ("larimar", "larimar_bpf") if key in results}
        figures = ""
        for size in sizes:
            own = cost.cpu_ms_per_sample[size]
            times = "/".join(f"{own / figure[size]:.1f}" for figure in ours.values())
            figures += f"{own:9.1f} {times:>8s}"
        lines.append(f"{name:18s}" + figures + f"{cost.rss_mb:10.1f}")
    return "\n".join(lines)


def run(sizes: Sequence[int], rounds: int, tree: Tree | None) -> dict[str, Cost]:
    """Measure at each size; memory at the size nearest to `MEMORY_AT`."""
    results: dict[str, Cost] = {}
    weighed = min(sizes, key=lambda size: abs(size - MEMORY_AT))
    for size in sizes:
        with population(size), TemporaryDirectory(prefix="larimar-processes-") as folder, ExitStack() as started:
            samplers = readers(tree, Path(folder))
            for reader in samplers.values():
                started.callback(reader.close)
            for name, milliseconds in measure(samplers, rounds).items():
                results.setdefault(name, Cost()).cpu_ms_per_sample[str(size)] = milliseconds
            if size == weighed:
                for name, reader in samplers.items():
                    results[name].rss_mb = round(resident_megabytes(name, reader), 1)
    return results


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[200, 1000, 3000])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", action="store_true", help="one object: of the tools that are compared")
    parser.add_argument("--debian", type=Path, default=Path("build/debian"), help="where packages are unpacked")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.memory_of:
        print_memory(options.memory_of)
        return 0
    try:
        tree = obtain(PROGRAMS, options.debian, os.environ)
    except PackageError as error:
        print(f"without other programs: {error}", file=sys.stderr)
        tree = None
    results = run(options.processes, options.rounds, tree)
    told = {name: asdict(results[name]) for name in TOLD if name in results}
    print(json.dumps(told) if options.json else table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
