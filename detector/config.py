"""The detector's settings."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.clients.endpoint import base_url
from detector.incidents.links import RUNBOOKS
from detector.shard import Shard
from toolkit import values
from toolkit.logs import FORMATS, LEVELS
from toolkit.settings import choice, duration, option, repeated
from toolkit.values import Address


@dataclass(frozen=True, slots=True)
class Label:
    """One external label."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


OWN_LABELS = ("alertname", "severity", "service_name", "signal", "server", "instance")


def label(text: str) -> Label:
    """Read `name=value`."""
    name, separator, value = text.partition("=")
    if not separator or re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) is None or not value:
        raise ValueError(f"{text!r} is not of the form name=value")
    if name in OWN_LABELS:
        raise ValueError(f"{name!r} is a label of the alerts themselves")
    return Label(name, value)


def pattern(text: str) -> str:
    """Read a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


def optional_path(text: str) -> Path | None:
    """Read a path; None for an empty text."""
    return Path(text) if text else None


def optional_url(text: str) -> str:
    """Read an absolute URL, or an empty text."""
    return base_url(text) if text else ""


@dataclass(frozen=True, slots=True)
class Config:
    """Learns the usual behaviour of every service from Prometheus and alerts through Alertmanager on departures."""

    listen: Address = option("web.listen-address", Address("", 10178), "Address to listen on.", parse=values.address)
    telemetry_path: str = option("web.telemetry-path", "/metrics", "Path under which to expose the detector's metrics.")
    web_config: Path | None = option(
        "web.config.file",
        None,
        "File with TLS and basic authentication settings, in the format of the Prometheus exporters.",
        parse=optional_path,
    )
    prometheus_url: str = option(
        "prometheus.url",
        "http://127.0.0.1:9090",
        "Prometheus, or a server with the same API (Thanos, Mimir, VictoriaMetrics).",
        parse=base_url,
    )
    prometheus_http: Path | None = option(
        "prometheus.http-config-file", None, "YAML file with credentials and TLS for Prometheus.", parse=optional_path
    )
    prometheus_timeout: float = duration(
        "prometheus.timeout",
        60.0,
        "Timeout of one query; alerts are sent again meanwhile.",
        least=0.1,
    )
    prometheus_external_url: str = option(
        "prometheus.external-url",
        "",
        "URL under which people reach Prometheus, for links; --prometheus.url unless it is set.",
        parse=optional_url,
    )
    alertmanager_urls: tuple[str, ...] = repeated(
        "alertmanager.url",
        ("http://127.0.0.1:9093",),
        "Alertmanager to notify: each replica, never a load balancer.",
        parse=base_url,
    )
    alertmanager_http: Path | None = option(
        "alertmanager.http-config-file",
        None,
        "YAML file with credentials and TLS for all Alertmanagers.",
        parse=optional_path,
    )
    alertmanager_timeout: float = duration("alertmanager.timeout", 10.0, "Timeout of one notification.", least=0.1)
    alerting: bool = option("alerting", True, "Send alerts; when off, anomalies are only exposed as metrics.")
    feedback: bool = option(
        "alertmanager.feedback",
        True,
        "Become less sensitive to a signal whose silence has `larimar: false` in its comment.",
    )
    resend: float = duration("alertmanager.resend-delay", 60.0, "Time before a firing alert is sent again.", least=1.0)
    budget: float = option(
        "alert-budget",
        3.0,
        "Acceptable false alerts per week, over all series; a smaller budget makes detection stricter.",
        parse=values.within(values.number, 0.001),
    )
    interval: float = duration("evaluation.interval", 60.0, "Time between evaluations.", least=1.0, most=3600.0)
    window: float = duration(
        "query.window", 120.0, "Window of rate queries, at least twice the scrape interval.", least=2.0
    )
    history: float = duration("history.duration", 28 * 86400.0, "How much history to learn from.", least=600.0)
    step: float = duration("history.step", 300.0, "Resolution of that history.", least=1.0)
    keep: bool = option(
        "history.keep",
        True,
        "Keep history in the storage path between fits, 50 KB per series, and ask for what is new of it only.",
    )
    refit: float = duration(
        "fit.interval", 21600.0, "Time between fits of the baselines; young series are fitted more often.", least=60.0
    )
    workers: int = option(
        "fit.workers", 0, "Processes for fitting; 0 for one per core.", parse=values.within(values.whole_number, 0, 256)
    )
    scheduler: str = option(
        "fit.scheduler", "", "Dask scheduler to fit on instead, such as tcp://host:8786; needs larimar[dask]."
    )
    signals: tuple[Path, ...] = repeated(
        "signals.file", (), "File with additional signals, in the format of detector/signals.yml.", parse=Path
    )
    discover: str = option(
        "discover",
        "",
        "Regular expression; also watch metrics whose whole names match it, as found when the detector starts.",
        parse=pattern,
        metavar="REGEX",
    )
    series_limit: int = option(
        "series.limit", 200_000, "Maximum number of series to watch.", parse=values.within(values.whole_number, 1)
    )
    shard: Shard = option(
        "shard",
        Shard(),
        "Which part of the services to watch when several detectors share them, such as 2/3.",
        parse=Shard.parse,
        metavar="PART/PARTS",
    )
    storage: Path = option("storage.path", Path("larimar-detector"), "Folder for state that survives a restart.")
    external_labels: tuple[Label, ...] = repeated(
        "external-label", (), "Label to add to every alert, as name=value.", parse=label
    )
    external_url: str = option(
        "web.external-url",
        "",
        "URL under which people reach this detector; LarimarBlind alerts link to it.",
        parse=optional_url,
    )
    runbook_url: str = option(
        "runbook.url", RUNBOOKS, "URL of the runbooks; an alert's name is appended as the anchor."
    )
    dashboard_url: str = option(
        "dashboard.url", "", "URL of the service overview dashboard in Grafana, for links.", parse=optional_url
    )
    log_level: str = choice("log.level", "info", "Only log messages of at least this severity.", LEVELS)
    log_format: str = choice("log.format", "logfmt", "Format of log messages.", FORMATS)

    def __post_init__(self) -> None:
        """Check settings against each other."""
        if self.step > self.history / 2:
            step, whole = values.duration_text(self.step), values.duration_text(self.history)
            raise ValueError(f"--history.step: {step} is more than half of --history.duration, {whole}")


def same(name: str) -> Any:
    """Declare a setting of another command as it is declared here."""
    field = Config.__dataclass_fields__[name]
    return dataclasses.field(default=field.default, metadata=field.metadata)
