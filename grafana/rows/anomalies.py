"""Which service is off."""

from grafana.panels import Column, Line, lines, rows_of
from grafana.rows.terms import WATCHED, Panels


def anomalies() -> Panels:
    """Return the row's panels."""
    keys = ("service_name", "signal", "server")
    by = "max by (service_name, signal, server) (larimar_detector_{}{{{}}})"
    return (
        lines(
            "Anomaly score",
            "How far each signal of each service is from its expected value; above 1 is anomalous.",
            [Line(f"topk(10, {by.format('anomaly_score', WATCHED)})", "{{service_name}} {{signal}} {{server}}")],
            "none",
            12,
            alarm=1,
        ),
        rows_of(
            "Observed and expected now",
            "Current value and its expected range at this hour, in each signal's own unit.",
            keys,
            (
                Column("Score", by.format("anomaly_score", WATCHED), "none", warn=0.7, alarm=1),
                Column("Observed", by.format("observed", WATCHED), "short"),
                Column("Expected", by.format("expected", WATCHED), "short"),
                Column("Lower bound", by.format("expected_lower", WATCHED), "short"),
                Column("Upper bound", by.format("expected_upper", WATCHED), "short"),
            ),
            12,
            height=8,
        ),
    )
