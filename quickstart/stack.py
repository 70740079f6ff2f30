"""What the local stack consists of: commands and configuration files as values, nothing started or written here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quickstart.config import Config

LOOPBACK = "127.0.0.1"
# Not anomalies.yml: the detector posts by itself, and both together would say everything twice.
RULES = ("recording.yml", "alerts.yml")


@dataclass(frozen=True, slots=True)
class Program:
    """One of the four.

    Attributes:
        name: also its log's, and its port's flag's first part.
        command: what is run.
        port: on loopback.
    """

    name: str
    command: tuple[str, ...]
    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class File:
    """A configuration file to write."""

    path: Path
    content: str


def programs(config: Config, data: Path, python: str, prometheus: Path, alertmanager: Path) -> tuple[Program, ...]:
    """Return the four programs.

    Args:
        config: the settings.
        data: the absolute folder for what is kept.
        python: the interpreter that has Larimar.
        prometheus: Prometheus's binary.
        alertmanager: Alertmanager's binary.
    """
    return (
        Program("exporter", (python, "-m", "exporter", _listen(config.exporter_port)), config.exporter_port),
        Program("detector", _detector(config, data, python), config.detector_port),
        Program("prometheus", _prometheus(config, data, prometheus), config.prometheus_port),
        Program("alertmanager", _alertmanager(config, data, alertmanager), config.alertmanager_port),
    )


def _detector(config: Config, data: Path, python: str) -> tuple[str, ...]:
    return (
        *(python, "-m", "detector"),
        _listen(config.detector_port),
        f"--prometheus.url=http://{LOOPBACK}:{config.prometheus_port}",
        f"--alertmanager.url=http://{LOOPBACK}:{config.alertmanager_port}",
        f"--storage.path={data / 'detector'}",
        f"--evaluation.interval={config.evaluation_seconds:g}",
        f"--web.external-url=http://{LOOPBACK}:{config.detector_port}",
    )


def _prometheus(config: Config, data: Path, binary: Path) -> tuple[str, ...]:
    return (
        str(binary),
        f"--config.file={data / 'prometheus.yml'}",
        f"--storage.tsdb.path={data / 'prometheus'}",
        "--storage.tsdb.retention.time=35d",  # the detector learns from four weeks
        _listen(config.prometheus_port),
    )


def _alertmanager(config: Config, data: Path, binary: Path) -> tuple[str, ...]:
    return (
        str(binary),
        f"--config.file={data / 'alertmanager.yml'}",
        f"--storage.path={data / 'alertmanager'}",
        "--cluster.listen-address=",  # alone: no gossip port
        _listen(config.alertmanager_port),
    )


def _listen(port: int) -> str:
    return f"--web.listen-address={LOOPBACK}:{port}"


def files(config: Config, data: Path, rules: Sequence[Path]) -> tuple[File, ...]:
    """Return the configuration of Prometheus and Alertmanager; JSON is YAML, and quotes whatever a path contains."""

    def target(name: str, port: int) -> dict[str, object]:
        return {"job_name": name, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}

    interval = f"{config.scrape_seconds * 1000:.0f}ms"
    prometheus = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": "15s"},
        "rule_files": [str(path) for path in rules],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{config.alertmanager_port}"]}]}]},
        "scrape_configs": [
            target("larimar-exporter", config.exporter_port),
            target("larimar-detector", config.detector_port),
        ],
    }
    alertmanager = {
        "route": {"receiver": "nobody", "group_by": ["alertname", "service_name"]},
        "receivers": [{"name": "nobody"}],
    }
    return (
        File(data / "prometheus.yml", json.dumps(prometheus, indent=2) + "\n"),
        File(data / "alertmanager.yml", json.dumps(alertmanager, indent=2) + "\n"),
    )
