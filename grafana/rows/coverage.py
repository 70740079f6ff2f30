"""Can this be trusted: Larimar itself."""

from grafana.panels import Column, Line, lines, number, rows_of
from grafana.rows.terms import HOSTS, RATE, SERVICES, Panels, rate


def coverage() -> Panels:
    """Return the row's panels."""
    host = "{{instance}}"
    dropped = f"sum(rate(larimar_capture_packets_dropped_total{{{HOSTS}}}{RATE}))"
    packets = f"sum(rate(larimar_capture_packets_total{{{HOSTS}}}{RATE}))"
    return (
        number("Exporters", "Exporters that answer.", Line(f"count(larimar_build_info{{{HOSTS}}})"), "none", 4),
        number("Services", "Services seen.", Line(f"count(larimar_service_info{{{SERVICES}}})"), "none", 4),
        number("Packets", "Packets looked at.", Line(packets), "pps", 4),
        number(
            "Packets lost",
            "Share of packets lost before they were read: counts are too low by this much.",
            Line(f"{dropped} / ({packets} > 0)"),
            "percentunit",
            4,
            warn=0.001,
            alarm=0.01,
        ),
        number(
            "Series",
            "Share of the limit of series in use, of the exporter nearest to it.",
            Line(f"max(larimar_series{{{HOSTS}}} / larimar_series_limit{{{HOSTS}}})"),
            "percentunit",
            4,
            warn=0.8,
            alarm=1,
        ),
        number(
            "Last evaluation",
            "How long ago the detector last looked.",
            Line("max(time() - larimar_detector_last_evaluation_timestamp_seconds)"),
            "s",
            4,
            warn=180,
            alarm=300,
        ),
        lines(
            "Connections not understood",
            "Without a known service, forgotten for want of room, or with bytes that were not what they seemed.",
            [
                Line(rate("larimar_flows_unattributed_total", "instance", HOSTS), f"{host} unattributed"),
                Line(rate("larimar_flows_evicted_total", "instance", HOSTS), f"{host} evicted"),
            ],
            "ops",
            8,
        ),
        lines(
            "Time of a scrape, by collector",
            "Scrapes should stay far below Prometheus's timeout.",
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
            "What each exporter may do on its host: 0 is missing, and its log says how to grant it.",
            ("instance", "capability"),
            (Column("Available", f"max by (instance, capability) (larimar_capability_available{{{HOSTS}}})", "none"),),
            8,
            height=8,
        ),
    )
