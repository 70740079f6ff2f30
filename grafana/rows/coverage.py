"""Can this be trusted: Larimar itself."""

from grafana.panels import Column, Line, lines, number, rows_of
from grafana.rows.terms import HOSTS, RATE, SERVICES, Panels, rate


def coverage() -> Panels:
    """Return the row's panels."""
    return (*_state(), *_causes())


def _state() -> Panels:
    dropped = f"sum(rate(larimar_capture_packets_dropped_total{{{HOSTS}}}{RATE}))"
    packets = f"sum(rate(larimar_capture_packets_total{{{HOSTS}}}{RATE}))"
    return (
        number("Exporters", "Exporters that are up.", Line(f"count(larimar_build_info{{{HOSTS}}})"), "none", 4),
        number("Services", "Services seen.", Line(f"count(larimar_service_info{{{SERVICES}}})"), "none", 4),
        number("Packets", "Packets captured.", Line(packets), "pps", 4),
        number(
            "Packets lost",
            "Share of packets dropped before they were read.",
            Line(f"{dropped} / ({packets} > 0)"),
            "percentunit",
            4,
            warn=0.001,
            alarm=0.01,
        ),
        number(
            "Series",
            "Share of the series limit in use, of the exporter closest to its limit.",
            Line(f"max(larimar_series{{{HOSTS}}} / larimar_series_limit{{{HOSTS}}})"),
            "percentunit",
            4,
            warn=0.8,
            alarm=1,
        ),
        number(
            "Last evaluation",
            "Time since the detector's last evaluation.",
            Line("max(time() - larimar_detector_last_evaluation_timestamp_seconds)"),
            "s",
            4,
            warn=180,
            alarm=300,
        ),
    )


def _causes() -> Panels:
    host = "{{instance}}"
    return (
        lines(
            "Connections not attributed or evicted",
            "Connections that belong to no known service, or were evicted from a full flow table.",
            [
                Line(rate("larimar_flows_unattributed_total", "instance", HOSTS), f"{host} unattributed"),
                Line(rate("larimar_flows_evicted_total", "instance", HOSTS), f"{host} evicted"),
            ],
            "ops",
            8,
        ),
        lines(
            "Scrape duration by collector",
            "Their sum should stay far below Prometheus's scrape timeout.",
            [
                Line(
                    f"max by (collector) (larimar_scrape_collector_duration_seconds{{{HOSTS}}})",
                    "{{collector}}",
                )
            ],
            "s",
            8,
        ),
        rows_of(
            "Capabilities",
            "What each exporter is permitted to do on its host: 0 is missing; its log says how to grant it.",
            ("instance", "capability"),
            (Column("Available", f"max by (instance, capability) (larimar_capability_available{{{HOSTS}}})", "none"),),
            8,
            height=8,
        ),
    )
