"""The cost of reading processes: `python -m benchmarks.processes`, beside psutil in the same run.

Starts idle processes of four threads, one in twenty of which reads now and then, and samples them all by turns: with
the exporter's whole host reading (processes, names, sockets, resources), with its usage reader alone, and with psutil.
Prints CPU milliseconds per sample, medians, and the resident memory of a process that does nothing else.
Everything is ended afterwards.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from exporter.sources.host import Host
from exporter.sources.usage import UsageReader, descriptor_budget

PROC = Path("/proc")
EXTRA_THREADS = 3
BUSY_ONE_IN = 20
WAKE_SECONDS = 0.2
SETTLING_SECONDS = 8.0  # new processes are looked at once more after five
MAX_DESCRIPTORS = 9300  # for 3,100 processes; two of the tools are open at once, under a usual limit of 20,000
FIELDS = ["cpu_times", "memory_info", "io_counters", "num_fds", "num_threads", "ppid", "name", "create_time"]
STATIC_FIELDS = ["exe", "cmdline"]

Sampler = Callable[[], int]


@dataclass(slots=True)
class Cost:
    """One tool's figures: CPU milliseconds by the number of processes, and megabytes at the last of them."""

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


def whole_host() -> Sampler:
    """Sample with everything that a scrape needs."""
    host = Host(PROC, max_descriptors=MAX_DESCRIPTORS)

    def sample() -> int:
        host.sample(time.monotonic())
        return len(host.view().processes)

    return sample


def usage_alone() -> Sampler:
    """Sample what processes use, nothing else."""
    reader = UsageReader(PROC, descriptor_budget(MAX_DESCRIPTORS))
    return lambda: len(reader.read(set(psutil.pids())).changed)


def psutil_full() -> Sampler:
    """Sample as psutil's documentation does."""
    return lambda: sum(1 for _ in psutil.process_iter([*FIELDS, *STATIC_FIELDS]))


def psutil_cached() -> Sampler:
    """Sample with psutil, facts that do not change read once."""
    static: dict[int, object] = {}

    def sample() -> int:
        seen = 0
        for process in psutil.process_iter(FIELDS):
            seen += 1
            if process.pid not in static:
                static[process.pid] = process.as_dict(STATIC_FIELDS)
        return seen

    return sample


TOOLS: dict[str, Callable[[], Sampler]] = {
    "larimar": whole_host,
    "larimar_usage": usage_alone,
    "psutil": psutil_full,
    "psutil_cached": psutil_cached,
}


def measure(rounds: int) -> dict[str, float]:
    """Return the median CPU milliseconds per sample of each tool, taken by turns; not counted before all is settled."""
    samplers = {name: make() for name, make in TOOLS.items()}
    taken: dict[str, list[float]] = {name: [] for name in TOOLS}
    settled = time.monotonic() + SETTLING_SECONDS
    while min(map(len, taken.values())) < rounds:
        counts = time.monotonic() > settled
        for name, sample in samplers.items():
            begun = time.process_time()
            sample()
            if counts:
                taken[name].append((time.process_time() - begun) * 1000)
        time.sleep(0.5)
    return {name: round(statistics.median(values), 2) for name, values in taken.items()}


def resident_megabytes(tool: str) -> float:
    """Return the resident memory of a new process that only samples with one tool."""
    command = [sys.executable, "-m", "benchmarks.processes", "--memory-of", tool]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_memory(tool: str) -> None:
    """Sample three times and print this process's resident megabytes."""
    sample = TOOLS[tool]()
    for _ in range(3):
        sample()
    print(round(psutil.Process().memory_info().rss / 1e6, 1))


def table(results: Mapping[str, Cost]) -> str:
    """Return the figures for people to read."""
    sizes = list(next(iter(results.values())).cpu_ms_per_sample)
    lines = [f"{'CPU ms per sample':18s}" + "".join(f"{size:>10s}" for size in sizes) + f"{'RSS MB':>10s}"]
    for name, cost in results.items():
        lines.append(
            f"{name:18s}" + "".join(f"{cost.cpu_ms_per_sample[size]:10.1f}" for size in sizes) + f"{cost.rss_mb:10.1f}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[200, 1000, 3000])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--memory-of", choices=TOOLS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.memory_of:
        print_memory(options.memory_of)
        return 0
    results = {name: Cost() for name in TOOLS}
    for size in options.processes:
        with population(size):
            for name, milliseconds in measure(options.rounds).items():
                results[name].cpu_ms_per_sample[str(size)] = milliseconds
            for name, cost in results.items():
                cost.rss_mb = resident_megabytes(name)
    print(json.dumps({name: asdict(cost) for name, cost in results.items()}) if options.json else table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
