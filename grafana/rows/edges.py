"""Who calls whom."""

from grafana.panels import Column, rows_of
from grafana.rows.terms import EDGES, Panels, rate


def edges() -> Panels:
    """Return the row's panels."""
    by = "client, server, protocol"
    requests = rate("larimar_edge_requests_total", by, EDGES)
    duration = "larimar_edge_request_duration_seconds"
    errors = rate("larimar_edge_request_errors_total", by, EDGES)
    return (
        rows_of(
            "Calls between services",
            "Each pair of client and server; ~external is another host.",
            ("client", "server", "protocol"),
            (
                Column("Requests", requests, "reqps"),
                Column("Failed", f"({errors} or 0 * {requests}) / ({requests} > 0)", "percentunit", 0.01, 0.05),
                Column(
                    "Mean latency",
                    f"{rate(f'{duration}_sum', by, EDGES)} / ({rate(f'{duration}_count', by, EDGES)} > 0)",
                    "s",
                ),
            ),
            24,
        ),
    )
