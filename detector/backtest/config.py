"""The settings of a backtest against a Prometheus: those of the detector that matter, and the time."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.config import Config
from detector.shard import Shard
from toolkit.settings import duration


def _same(name: str) -> Any:
    """Declare a setting as the detector declares it."""
    field = Config.__dataclass_fields__[name]
    return dataclasses.field(default=field.default, metadata=field.metadata)


@dataclass(frozen=True, slots=True)
class BacktestConfig:
    """Replays a Prometheus's past and prints the alerts that the detector would have sent."""

    since: float = duration("since", 7 * 86_400.0, "How far back to start.", least=60.0)
    prometheus_url: str = _same("prometheus_url")
    prometheus_http: Path | None = _same("prometheus_http")
    prometheus_timeout: float = _same("prometheus_timeout")
    interval: float = _same("interval")
    window: float = _same("window")
    budget: float = _same("budget")
    history: float = _same("history")
    step: float = _same("step")
    refit: float = duration("fit.interval", 86_400.0, "Time between fits of the baselines.", least=60.0)
    workers: int = _same("workers")
    scheduler: str = _same("scheduler")
    signals: tuple[Path, ...] = _same("signals")
    shard: Shard = _same("shard")
    series_limit: int = _same("series_limit")
