"""The settings of `larimar up`."""

from dataclasses import dataclass
from pathlib import Path

from toolkit import values
from toolkit.settings import duration, option

_PORT = values.within(values.whole_number, 1, 65535)


@dataclass(frozen=True, slots=True)
class Config:
    """Runs the exporter, the detector, Prometheus and Alertmanager on loopback, and shows the services they find."""

    data: Path = option("data", Path(".larimar"), "Folder for all state, configuration files and logs.")
    exporter_port: int = option("exporter.port", 10177, "Port of the exporter.", parse=_PORT)
    detector_port: int = option("detector.port", 10178, "Port of the detector.", parse=_PORT)
    prometheus_port: int = option("prometheus.port", 9090, "Port of Prometheus.", parse=_PORT)
    alertmanager_port: int = option("alertmanager.port", 9093, "Port of Alertmanager.", parse=_PORT)
    scrape_seconds: float = duration("scrape.interval", 5.0, "Prometheus's scrape interval.", least=1, most=60)
    evaluation_seconds: float = duration(
        "evaluation.interval", 60.0, "Time between the detector's evaluations.", least=1, most=3600
    )
    summary_seconds: float = duration(
        "summary.interval", 60.0, "Time between summaries when the output is not a terminal.", least=1
    )

    def __post_init__(self) -> None:
        """Refuse one port for two programs."""
        seen: dict[int, str] = {}
        for name in ("exporter", "detector", "prometheus", "alertmanager"):
            port: int = getattr(self, f"{name}_port")
            if port in seen:
                raise ValueError(f"{name}.port: {port} is {seen[port]}.port already")
            seen[port] = name
