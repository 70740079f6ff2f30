"""The running exporter's memory, idle processor time and scrape time: `python -m benchmarks.exporter`.

Starts idle processes of many services (copies of `sleep` under names of their own), or with `--busy` services that ask
each other for pages, then the exporter as its command starts it, and scrapes it. Everything is ended afterwards.
"""

import argparse
import json
import os
import re
import shutil
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

from benchmarks.busy import busy_services
from benchmarks.ports import free_ports

SCRAPES = 20
IDLE_SECONDS = 10.0
START_SECONDS = 20.0
SCRAPE_INTERVAL_SECONDS = 5.0
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
            rss_mb=memory_bytes(pid, "VmRSS") / 1e6,
            idle_cpu_percent=idle * 100,
            scrape_ms=statistics.median(spent) * 1e3,
            worst_scrape_ms=max(spent) * 1e3,
            series=int(sample(page, "larimar_series")),
        )


@dataclass(frozen=True, slots=True)
class BusyResult:
    """What the exporter costs where all services work; units as of `Result`.

    Attributes:
        named: services with requests on the page.
        anonymous_mb: of the resident memory, without what is shared with the kernel or with files.
        peak_mb: the most that was resident.
        asked: requests per second, by the page's own counters.
    """

    services: int
    named: int
    series: int
    rss_mb: float
    anonymous_mb: float
    peak_mb: float
    asked: float
    cpu_percent: float
    scrape_ms: float


def measure_busy(services: int, requests_per_second: float, seconds: float) -> BusyResult:
    """Let services work for so long under the exporter's eyes, scraped as Prometheus does."""
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory()))
        pid, url = started.enter_context(exporter())
        started.enter_context(busy_services(folder, services, requests_per_second))
        before, begun, spent = cpu_seconds(pid), time.monotonic(), []
        while time.monotonic() - begun < seconds:
            time.sleep(SCRAPE_INTERVAL_SECONDS)
            at = time.perf_counter()
            page = read(f"{url}/metrics")
            spent.append(time.perf_counter() - at)
        lasted = time.monotonic() - begun
        served = re.findall(r'^larimar_requests_total\{[^}]*role="server"[^}]*\} (\S+)$', page, re.MULTILINE)
        return BusyResult(
            services=services,
            named=len(served),
            series=int(sample(page, "larimar_series")),
            rss_mb=memory_bytes(pid, "VmRSS") / 1e6,
            anonymous_mb=memory_bytes(pid, "RssAnon") / 1e6,
            peak_mb=memory_bytes(pid, "VmHWM") / 1e6,
            asked=sum(map(float, served)) / lasted,
            cpu_percent=(cpu_seconds(pid) - before) / lasted * 100,
            scrape_ms=statistics.median(spent) * 1e3,
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
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "exporter", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", *flags]
    with subprocess.Popen(command) as process:
        try:
            await_ready(f"http://127.0.0.1:{port}")
            yield process.pid, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


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


def memory_bytes(pid: int, field: str) -> int:
    """Return what the kernel says of a process's memory: `VmRSS`, `VmHWM`, the most of it so far, or `RssAnon`."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "every process has memory"
    return int(found[1]) * 1024


def main() -> None:
    """Print the figures, or one object."""
    parser = argparse.ArgumentParser(description="The running exporter's memory, idle processor time and scrape time.")
    parser.add_argument("--processes", type=int, default=200, help="idle processes to watch")
    parser.add_argument("--services", type=int, default=50, help="how many services they are")
    parser.add_argument("--busy", action="store_true", help="services that ask each other, instead of idle processes")
    parser.add_argument("--rate", type=float, default=4000.0, help="with --busy: requests per second, of all together")
    parser.add_argument("--seconds", type=float, default=60.0, help="with --busy: how long they work")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    if arguments.busy:
        found = asdict(measure_busy(arguments.services, arguments.rate, arguments.seconds))
    else:
        found = asdict(measure(arguments.processes, arguments.services))
    if arguments.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:17} {value:.1f}" if isinstance(value, float) else f"{name:17} {value}")


if __name__ == "__main__":
    main()
