"""The running exporter's memory, idle processor time and scrape time: `python -m benchmarks.exporter`.

Starts idle processes of many services (copies of `sleep` under names of their own), then the exporter as its command
starts it, and scrapes it. Everything is ended afterwards.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SCRAPES = 20
IDLE_SECONDS = 10.0
START_SECONDS = 20.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """What the exporter costs; megabytes are 10^6 bytes, times of scrapes are of whole HTTP requests."""

    processes: int
    services: int
    capture: bool
    rss_mb: float
    idle_cpu_percent: float
    scrape_ms: float
    worst_scrape_ms: float
    series: int


def measure(processes: int, services: int) -> Result:
    """Start everything, measure, end everything."""
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory()))
        for number in range(processes):
            started.enter_context(idle_process(folder, f"worker-{number % services:03}"))
        pid, url = started.enter_context(exporter())
        before = cpu_seconds(pid)
        time.sleep(IDLE_SECONDS)
        idle = (cpu_seconds(pid) - before) / IDLE_SECONDS
        spent = []
        for _ in range(SCRAPES):
            at = time.perf_counter()
            page = read(f"{url}/metrics")
            spent.append(time.perf_counter() - at)
        return Result(
            processes=processes,
            services=services,
            capture=sample(page, 'larimar_capability_available{capability="capture"}') == 1,
            rss_mb=rss_bytes(pid) / 1e6,
            idle_cpu_percent=idle * 100,
            scrape_ms=statistics.median(spent) * 1e3,
            worst_scrape_ms=max(spent) * 1e3,
            series=int(sample(page, "larimar_series")),
        )


@contextmanager
def idle_process(folder: Path, name: str) -> Iterator[None]:
    """Run a copy of `sleep` under a name."""
    program = folder / name
    if not program.exists():
        shutil.copy(str(shutil.which("sleep")), program)
    with subprocess.Popen([program, "3600"]) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def exporter(*flags: str) -> Iterator[tuple[int, str]]:
    """Run the exporter on a free port with these flags; gives its PID and its URL."""
    port = free_port()
    command = [sys.executable, "-m", "exporter", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", *flags]
    with subprocess.Popen(command) as process:
        try:
            await_ready(f"http://127.0.0.1:{port}")
            yield process.pid, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def await_ready(url: str) -> None:
    """Return once the exporter is ready."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            read(f"{url}/-/ready")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def read(url: str) -> str:
    """Return a page."""
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def sample(page: str, name: str) -> float:
    """Return the value of one sample by its name and labels as they stand on the page."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    if found is None:
        raise LookupError(f"{name} is not on the page")
    return float(found[1])


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "every process has resident memory"
    return int(found[1]) * 1024


def main() -> None:
    """Print the figures, or one object."""
    parser = argparse.ArgumentParser(description="The running exporter's memory, idle processor time and scrape time.")
    parser.add_argument("--processes", type=int, default=200, help="idle processes to watch")
    parser.add_argument("--services", type=int, default=50, help="how many services they are")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    found = asdict(measure(arguments.processes, arguments.services))
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:17} {value:.1f}" if isinstance(value, float) else f"{name:17} {value}")


if __name__ == "__main__":
    main()
