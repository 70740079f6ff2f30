"""The detector's settings."""

import re
from dataclasses import dataclass
from pathlib import Path

from detector.clients.endpoint import base_url
from detector.incidents.links import RUNBOOKS
from detector.shard import Shard
from toolkit import values
from toolkit.logs import FORMATS, LEVELS
from toolkit.settings import option, repeated
from toolkit.values import Address


@dataclass(frozen=True, slots=True)
class Label:
    """One external label."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


OWN_LABELS = ("alertname", "severity", "service_name", "signal", "instance")


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
    """Read a path; nothing is none."""
    return Path(text) if text else None


def optional_url(text: str) -> str:
    """Read an absolute URL; nothing is none."""
    return base_url(text) if text else ""


@dataclass(frozen=True, slots=True)
class Config:
    """Learns what is usual for every service in Prometheus and tells Alertmanager when that stops being so."""

    listen: Address = option("web.listen-address", Address("", 10178), "Where to serve.", parse=values.address)
    telemetry_path: str = option("web.telemetry-path", "/metrics", "Where to serve the detector's own metrics.")
    web_config: Path | None = option(
        "web.config.file", None, "TLS and basic auth, as in the exporter-toolkit.", parse=optional_path
    )
    prometheus_url: str = option(
        "prometheus.url", "http://127.0.0.1:9090", "Prometheus, or what speaks its API.", parse=base_url
    )
    prometheus_http: Path | None = option(
        "prometheus.http-config-file", None, "Credentials and TLS to reach Prometheus (YAML).", parse=optional_path
    )
    prometheus_timeout: float = option(
        "prometheus.timeout",
        30.0,
        "The most one query may take; for the newest points never more than the evaluation interval.",
        parse=values.within(values.duration_seconds, 0.1),
    )
    prometheus_external_url: str = option(
        "prometheus.external-url",
        "",
        "Prometheus as people open it; by default as the detector does.",
        parse=optional_url,
    )
    alertmanager_urls: tuple[str, ...] = repeated(
        "alertmanager.url", ("http://127.0.0.1:9093",), "Each Alertmanager, never a load balancer.", parse=base_url
    )
    alertmanager_http: Path | None = option(
        "alertmanager.http-config-file", None, "Credentials and TLS to reach them (YAML).", parse=optional_path
    )
    alertmanager_timeout: float = option(
        "alertmanager.timeout", 10.0, "The most one post may take.", parse=values.within(values.duration_seconds, 0.1)
    )
    alerting: bool = option("alerting", True, "Post alerts; without it only the metrics tell.")
    feedback: bool = option(
        "alertmanager.feedback",
        True,
        "Become less sensitive where a silence's comment says `larimar: false`.",
    )
    resend: float = option(
        "alertmanager.resend-delay",
        60.0,
        "How often firing alerts are sent again.",
        parse=values.within(values.duration_seconds, 1.0),
    )
    budget: float = option(
        "alert-budget",
        3.0,
        "False alerts per week that are acceptable, of all series together: fewer make it stricter.",
        parse=values.within(values.number, 0.001),
    )
    interval: float = option(
        "evaluation.interval", 60.0, "How often to look.", parse=values.within(values.duration_seconds, 1.0, 3600.0)
    )
    window: float = option(
        "query.window",
        120.0,
        "The window of rates; at least twice the scrape interval.",
        parse=values.within(values.duration_seconds, 2.0),
    )
    history: float = option(
        "history.duration",
        28 * 86400.0,
        "How far back to learn from.",
        parse=values.within(values.duration_seconds, 600.0),
    )
    step: float = option(
        "history.step", 300.0, "The history's resolution.", parse=values.within(values.duration_seconds, 1.0)
    )
    refit: float = option(
        "fit.interval",
        21600.0,
        "How often to learn anew; more often while series are young.",
        parse=values.within(values.duration_seconds, 60.0),
    )
    workers: int = option(
        "fit.workers", 0, "Processes to fit with; 0 for one per core.", parse=values.within(values.whole_number, 0, 256)
    )
    scheduler: str = option(
        "fit.scheduler", "", "Dask scheduler to fit with instead, as tcp://host:8786; needs larimar[dask]."
    )
    signals: tuple[Path, ...] = repeated(
        "signals.file", (), "Further signals, in the form of the shipped signals.yml.", parse=Path
    )
    discover: str = option(
        "discover",
        "",
        "Also watch metrics nobody described, if this regular expression matches their whole names; read at the start.",
        parse=pattern,
    )
    series_limit: int = option(
        "series.limit", 200_000, "The most series to watch.", parse=values.within(values.whole_number, 1)
    )
    shard: Shard = option(
        "shard", Shard(), "Which part of the services to watch, where several detectors share them.", parse=Shard.parse
    )
    storage: Path = option("storage.path", Path("larimar-detector"), "Folder for what must outlive a restart.")
    external_labels: tuple[Label, ...] = repeated(
        "external-label", (), "A label added to every alert, as name=value.", parse=label
    )
    external_url: str = option(
        "web.external-url", "", "This detector as people open it; alerts of lost sight lead there.", parse=optional_url
    )
    runbook_url: str = option(
        "runbook.url", RUNBOOKS, "The runbooks as people open them; an alert's name becomes the anchor."
    )
    dashboard_url: str = option(
        "dashboard.url", "", "Larimar's service dashboard in Grafana as people open it.", parse=optional_url
    )
    log_level: str = option("log.level", "info", "Least severity to log.", parse=values.choice(*LEVELS))
    log_format: str = option("log.format", "logfmt", "How to log.", parse=values.choice(*FORMATS))

    def __post_init__(self) -> None:
        """Compare what has to fit together."""
        if self.step > self.history / 2:
            raise ValueError(f"history.step: {self.step:g} s leaves no history in history.duration {self.history:g} s")
