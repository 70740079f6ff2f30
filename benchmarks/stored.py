"""A real Prometheus on loopback with weeks of many services' history in it, for the detector's benchmark."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import requests

from benchmarks.ports import free_ports
from detector.model import Floats
from quickstart.debian import Tree

STEP = 300
WINDOW = 120
RECENT_SECONDS = 900
READY_SECONDS = 60.0
SIGNALS_PER_SERVICE = 8  # those of detector/signals.yml that these metrics give
TARGET = {"job": "larimar", "instance": "host:10177"}
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric of each service: its further labels, and its value (of a counter: its rate) at the average load."""

    name: str
    labels: str
    counter: bool
    value: float
    busy: bool  # follows the load


FAMILIES = (
    Family("larimar_requests_total", ',role="server",protocol="http"', True, 40.0, True),
    Family("larimar_request_errors_total", ',role="server",protocol="http"', True, 0.04, True),
    Family("larimar_request_duration_seconds_sum", ',role="server",protocol="http"', True, 0.8, True),
    Family("larimar_request_duration_seconds_count", ',role="server",protocol="http"', True, 40.0, True),
    Family("larimar_service_cpu_seconds_total", ',mode="user"', True, 0.3, True),
    Family("larimar_service_memory_resident_bytes", "", False, 3e8, False),
    Family("larimar_service_open_fds_limit_ratio", "", False, 0.05, False),
    Family("larimar_service_processes", "", False, 4.0, False),
    Family("larimar_listen_info", ',port="80",transport="tcp"', False, 1.0, False),
    Family("larimar_service_info", ',name_source="exe"', False, 1.0, False),
)


def write(path: Path, services: int, end: int, days: float, seed: int) -> int:
    """Write history as OpenMetrics and return how many samples it has.

    Args:
        end: its newest time, in seconds; a multiple of STEP.
    """
    random = np.random.default_rng(seed)
    grid = np.arange(end - int(days * 86400), end + 1, STEP, dtype=np.int64)
    recent = np.arange(end - RECENT_SECONDS, end + 1, WINDOW // 4, dtype=np.int64)
    # A rate needs two samples within its window.
    pairs = np.unique(np.concatenate([grid, grid - WINDOW // 2, recent]))
    gauges = np.unique(np.concatenate([grid, recent]))
    target = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
    with path.open("w") as file:
        file.write("# TYPE up gauge\n")
        samples = write_series(file.write, f"up{{{target}}}", np.ones(len(gauges)), gauges)
        for family in FAMILIES:
            file.write(f"# TYPE {family.name} unknown\n")
            times = pairs if family.counter else gauges
            for service in range(services):
                name = f'{family.name}{{service_name="service-{service:04}"{family.labels},{target}}}'
                samples += write_series(file.write, name, values(family, times, service, random), times)
        file.write("# EOF\n")
    return samples


def values(family: Family, times: Times, service: int, random: np.random.Generator) -> Floats:
    """Return one series' samples: a gauge, or a counter from zero on; shape (times,)."""
    season = 1 + 0.5 * np.sin(2 * np.pi * (times % 86400) / 86400 + service) if family.busy else np.ones(len(times))
    level = family.value * (1 + service % 10) * season
    if not family.counter:
        return np.asarray(level if family.value == int(family.value) else level * random.normal(1, 0.02, len(times)))
    return np.asarray(np.cumsum(random.poisson(level * np.diff(times, prepend=times[0]) * 100) / 100))


def write_series(write: Callable[[str], object], name: str, values: Floats, times: Times) -> int:
    """Write a series as OpenMetrics and return how many samples it has; `times` are in seconds."""
    write("".join(f"{name} {value:.9g} {at}\n" for value, at in zip(values.tolist(), times.tolist(), strict=True)))
    return len(times)


@contextmanager
def prometheus(tree: Tree, folder: Path, openmetrics: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes nothing and holds what the file says; gives its URL.

    Raises:
        subprocess.CalledProcessError: promtool refuses the file.
        RuntimeError: it does not start.
    """
    command = [str(tree.binary("promtool")), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=1344h"]
    environment = tree.environment({})
    subprocess.run(
        [*command, str(openmetrics), str(folder / "tsdb")], check=True, stdout=subprocess.DEVNULL, env=environment
    )
    (folder / "prometheus.yml").write_text("{}\n")
    url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
    flags = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--storage.tsdb.retention.time=90d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    process = subprocess.Popen([str(tree.binary("prometheus")), *flags], env=environment)
    try:
        await_ready(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def await_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until a server says that it is ready. Raises RuntimeError: it does not."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/-/ready", timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError(f"Prometheus did not start: exit code {process.poll()}")
