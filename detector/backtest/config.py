"""The settings of a backtest against a Prometheus: those of the detector that matter, and the time."""

from dataclasses import dataclass
from pathlib import Path

from detector.config import same
from detector.shard import Shard
from toolkit.settings import duration


@dataclass(frozen=True, slots=True)
class BacktestConfig:
    """Replays a Prometheus's past and prints the alerts that the detector would have sent."""

    since: float = duration("since", 7 * 86_400.0, "How far back to start.", least=60.0)
    prometheus_url: str = same("prometheus_url")
    prometheus_http: Path | None = same("prometheus_http")
    prometheus_timeout: float = same("prometheus_timeout")
    interval: float = same("interval")
    window: float = same("window")
    budget: float = same("budget")
    history: float = same("history")
    step: float = same("step")
    refit: float = duration("fit.interval", 86_400.0, "Time between fits of the baselines.", least=60.0)
    workers: int = same("workers")
    scheduler: str = same("scheduler")
    signals: tuple[Path, ...] = same("signals")
    shard: Shard = same("shard")
    series_limit: int = same("series_limit")
