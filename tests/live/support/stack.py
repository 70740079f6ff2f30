"""Larimar's two processes, a Prometheus and an Alertmanager, and what their APIs say."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from quickstart.debian import Tree
from tests.live.support.processes import Child, Command, free_port, running

ROOT = Path(__file__).parents[3]
REQUEST_SECONDS = 30.0
NOBODY = {"receiver": "nobody"}


def url_of(port: int) -> str:
    """Return the loopback address of a port."""
    return f"http://127.0.0.1:{port}"


def is_ready(url: str) -> bool:
    """Return whether the process behind `url` says that it is ready."""
    try:
        return requests.get(f"{url}/-/ready", timeout=5).ok
    except requests.RequestException:
        return False


def is_healthy(url: str) -> bool:
    """Return whether the process behind `url` answers at all."""
    try:
        return requests.get(f"{url}/-/healthy", timeout=5).ok
    except requests.RequestException:
        return False


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the stack and its address."""

    child: Child
    url: str

    def page(self) -> str:
        """Return its /metrics."""
        answer = requests.get(f"{self.url}/metrics", timeout=REQUEST_SECONDS)
        answer.raise_for_status()
        return answer.text


@contextmanager
def exporter(folder: Path, *flags: str) -> Iterator[Process]:
    """Run the exporter."""
    url = url_of(port := free_port())
    command = Command(
        (sys.executable, "-m", "exporter", f"--web.listen-address=127.0.0.1:{port}", *flags),
        folder / "exporter.log",
        {"PYTHONPATH": str(ROOT)},
    )
    with running(command, lambda: is_ready(url)) as child:
        yield Process(child, url)


@contextmanager
def detector(folder: Path, port: int, prometheus: str, alertmanager: str, *flags: str) -> Iterator[Process]:
    """Run the detector on a port that Prometheus knows already, with its state in `folder`."""
    url = url_of(port)
    command = Command(
        (
            *(sys.executable, "-m", "detector", f"--web.listen-address=127.0.0.1:{port}"),
            *(f"--prometheus.url={prometheus}", f"--alertmanager.url={alertmanager}"),
            *(f"--storage.path={folder / 'detector'}", *flags),
        ),
        folder / "detector.log",
        {"PYTHONPATH": str(ROOT)},
    )
    with running(command, lambda: is_healthy(url)) as child:
        yield Process(child, url)


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' newest value."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[Sample]:
        """Return the result of an instant query."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=REQUEST_SECONDS)
        assert answer.ok, f"{expression}: {answer.text}"
        result = answer.json()["data"]["result"]
        return [Sample(series["metric"], float(series["value"][1])) for series in result]

    def number(self, expression: str) -> float:
        """Return the value of a query that gives one series."""
        (sample,) = self.query(expression)
        return sample.value

    def rules(self) -> list[dict[str, Any]]:
        """Return the loaded rules with their state."""
        answer = requests.get(f"{self.url}/api/v1/rules", timeout=REQUEST_SECONDS)
        return [rule for group in answer.json()["data"]["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(
    tree: Tree, folder: Path, targets: Mapping[str, Sequence[str]], scrape_seconds: float, *flags: str
) -> Iterator[Prometheus]:
    """Run Prometheus with the project's rules; `targets` are addresses by job, which may come to life later."""
    port = free_port()
    url = url_of(port)
    configuration = {
        "global": {"scrape_interval": f"{scrape_seconds:g}s", "evaluation_interval": f"{scrape_seconds:g}s"},
        "rule_files": [str(ROOT / "rules" / "recording.yml"), str(ROOT / "rules" / "alerts.yml")],
        "scrape_configs": [
            {
                "job_name": job,
                "scrape_timeout": f"{scrape_seconds:g}s",
                "static_configs": [{"targets": list(addresses)}],
            }
            for job, addresses in targets.items()
        ],
    }
    # JSON is YAML.
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    command = Command(
        (
            *(tree.binary("prometheus"), f"--config.file={folder / 'prometheus.yml'}"),
            *(f"--storage.tsdb.path={folder / 'tsdb'}", "--storage.tsdb.retention.time=60d"),
            *(f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle", *flags),
        ),
        folder / "prometheus.log",
        tree.environment({}),
    )
    with running(command, lambda: is_ready(url)):
        yield Prometheus(url)


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, url: str) -> None:
        self.url = url

    def firing(self, services: Sequence[str]) -> list[dict[str, Any]]:
        """Return the alerts that fire now for any of these services."""
        answer = requests.get(f"{self.url}/api/v2/alerts", params={"active": "true"}, timeout=REQUEST_SECONDS)
        answer.raise_for_status()
        return [alert for alert in answer.json() if alert["labels"].get("service_name") in services]


@contextmanager
def alertmanager(
    tree: Tree, folder: Path, route: Mapping[str, object] = NOBODY, webhook: str = ""
) -> Iterator[Alertmanager]:
    """Run an Alertmanager, which tells nobody unless there is a webhook."""
    port = free_port()
    url = url_of(port)
    receiver: dict[str, object] = {"name": route["receiver"]}
    if webhook:
        receiver["webhook_configs"] = [{"url": webhook}]
    # JSON is YAML.
    (folder / "alertmanager.yml").write_text(json.dumps({"route": dict(route), "receivers": [receiver]}))
    command = Command(
        (
            *(tree.binary("alertmanager"), f"--config.file={folder / 'alertmanager.yml'}"),
            *(f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=",
        ),
        folder / "alertmanager.log",
        tree.environment({}),
    )
    with running(command, lambda: is_ready(url)):
        yield Alertmanager(url)


def may_capture() -> bool:
    """Return whether this process has CAP_NET_RAW, without which no packet is seen."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> 13 & 1)


def kill(process: Process) -> None:
    """Kill a process as a crash would, without any good-bye."""
    process.child.end(signal.SIGKILL)
