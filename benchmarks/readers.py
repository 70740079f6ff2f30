"""What reads processes, for `benchmarks.processes`: the exporter's ways, psutil's, and other people's programs."""

import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import psutil
from prometheus_client import Metric

from benchmarks.ports import free_ports
from exporter.collectors.resources import resource_families
from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host
from quickstart.debian import Tree
from toolkit.exposition import Exposition

PROC = Path("/proc")
MAX_DESCRIPTORS = 9300  # for 3,100 processes, under a usual limit of 20,000
FIELDS = ["cpu_times", "memory_info", "io_counters", "num_fds", "num_threads", "ppid", "name", "create_time"]
STATIC_FIELDS = ["exe", "cmdline"]
START_SECONDS = 20.0
PROCESS_EXPORTER = "prometheus-process-exporter"
NODE_EXPORTER = "prometheus-node-exporter"
APPS_PLUGIN = "apps.plugin"
PROGRAMS = (PROCESS_EXPORTER, NODE_EXPORTER, APPS_PLUGIN)


class Reader(Protocol):
    """Reads all processes of this host, again and again."""

    def sample(self) -> float:
        """Read everything once; return the CPU seconds that it took."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class Resources:
    """What a host's services use, for the page."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def collect(self) -> tuple[Metric, ...]:
        """Sample the host."""
        return tuple(resource_families(self._host.sample(time.monotonic())))


class Larimar:
    """Samples as a scrape does: processes, their names, sockets, what they use, and the page about it."""

    def __init__(self, bpf: bool) -> None:
        self._host = procfs_host(PROC, max_descriptors=MAX_DESCRIPTORS, bpf=bpf)
        self._exposition = Exposition()
        if bpf and not self._host.status().capabilities["bpf_tasks"]:
            self._host.close()
            raise OSError("eBPF is not permitted here")

    def sample(self) -> float:
        """Take a scrape's sample."""
        begun = time.process_time()
        self._exposition.page(Resources(self._host), "")
        return time.process_time() - begun

    def close(self) -> None:
        """Close the host."""
        self._host.close()


class Psutil:
    """Samples as psutil's documentation does, or with the facts that do not change read once."""

    def __init__(self, cached: bool) -> None:
        self._cached = cached
        self._static: dict[int, object] = {}

    def sample(self) -> float:
        """Take a sample."""
        begun = time.process_time()
        for process in psutil.process_iter(FIELDS if self._cached else [*FIELDS, *STATIC_FIELDS]):
            if self._cached and process.pid not in self._static:
                self._static[process.pid] = process.as_dict(STATIC_FIELDS)
        return time.process_time() - begun

    def close(self) -> None:
        """Nothing is held."""


class Program:
    """Somebody else's program; it works when it is asked to."""

    def __init__(self, command: tuple[str, ...], environment: dict[str, str], ask: Callable[[], None]) -> None:
        self._opened = ExitStack()
        self._process = self._opened.enter_context(
            subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        )
        self._opened.callback(self._process.kill)
        self._ask = ask

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def sample(self) -> float:
        """Have it take a sample."""
        before = cpu_seconds(self._process.pid)
        self._ask()
        return cpu_seconds(self._process.pid) - before

    def close(self) -> None:
        """End it."""
        self._opened.close()


class Plugin(Program):
    """netdata's plugin: it samples once a second, asked or not, and writes that down."""

    def __init__(self, binary: Path, environment: dict[str, str]) -> None:
        configuration = binary.parents[1] / "conf.d"
        folders = {"NETDATA_STOCK_CONFIG_DIR": str(configuration), "NETDATA_USER_CONFIG_DIR": str(configuration)}
        super().__init__((str(binary), "1"), {**environment, **folders}, self._next)
        self._samples = threading.Semaphore(0)
        threading.Thread(target=self._follow, daemon=True).start()

    def sample(self) -> float:
        """Wait for the end of a sample, and tell what the next one takes."""
        while self._samples.acquire(blocking=False):
            """Forget those of before."""
        self._next()
        return super().sample()

    def _follow(self) -> None:
        output = self._process.stdout
        assert output is not None
        for line in output:
            if line.startswith(b"BEGIN apps.files"):  # near the end of each sample
                self._samples.release()

    def _next(self) -> None:
        if not self._samples.acquire(timeout=START_SECONDS):
            raise OSError(f"{APPS_PLUGIN} does not sample")


def process_exporter(tree: Tree, folder: Path) -> Program:
    """Start prometheus-process-exporter without threads and without smaps, which is what it does fastest."""
    settings = folder / "processes.yml"
    settings.write_text("process_names:\n  - name: '{{.Comm}}'\n    cmdline: ['.+']\n")
    options = ("-config.path", str(settings), "-threads=false", "-gather-smaps=false", "-web.listen-address")
    return _scraped(tree, PROCESS_EXPORTER, options)


def node_exporter(tree: Tree) -> Program:
    """Start node_exporter with all that it says of processes: how many there are of each state."""
    options = ("--collector.disable-defaults", "--collector.processes", "--web.listen-address")
    return _scraped(tree, NODE_EXPORTER, options)


def _scraped(tree: Tree, name: str, options: tuple[str, ...]) -> Program:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    url = f"http://{address}/metrics"
    started = Program((str(tree.binary(name)), *options, address), tree.environment(os.environ), lambda: _get(url))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _get(url)
            return started
        except OSError:
            if time.monotonic() > deadline:
                started.close()
                raise
            time.sleep(0.1)


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=START_SECONDS) as response:
        response.read()


def cpu_seconds(pid: int) -> float:
    """Return what all threads of a process have used, to the nanosecond; its clock is named by its PID."""
    return time.clock_gettime(~pid << 3 | 2)
