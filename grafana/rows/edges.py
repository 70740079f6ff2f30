"""Who calls whom."""

from grafana_foundation_sdk.builders.nodegraph import Panel

from grafana.panels import Column, graph, rows_of
from grafana.rows.terms import EDGES, HOSTS, RATE, Panels, rate

REQUESTS = "larimar_edge_requests_total"


def edges() -> Panels:
    """Return the row's panels."""
    by = "client, server, protocol"
    requests = rate(REQUESTS, by, EDGES)
    duration = "larimar_edge_request_duration_seconds"
    errors = rate("larimar_edge_request_errors_total", by, EDGES)
    return (
        _system(),
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
            12,
            height=14,
        ),
    )


def _system() -> Panel:
    """Return the services as a graph; a node graph takes its numbers from fields, so they become labels."""
    matchers = (f'{HOSTS},client=~"$service_name"', f'{HOSTS},server=~"$service_name"')
    calls = " or ".join(f"rate({REQUESTS}{{{matcher}}}{RATE})" for matcher in matchers)
    answered = _named("id", "server", f"sum by (server) ({calls})")
    # Who only asks is a node as well.
    asking = _named("id", "client", f"0 * sum by (client) ({calls})")
    nodes = _named("title", "id", f"sum by (id) ({answered} or {asking})")
    ends = _named("target", "server", _named("source", "client", f"sum by (client, server) ({calls}) > 0"))
    links = f'label_join({ends}, "id", " > ", "client", "server")'
    return graph(
        "System",
        "The services and their calls: requests per second that each answers, and that each client asks of a server.",
        f'count_values by (id, title) ("mainstat", round({nodes}, 0.1))',
        f'count_values by (id, source, target) ("mainstat", round({links}, 0.1))',
        "reqps",
        12,
        14,
    )


def _named(label: str, source: str, expression: str) -> str:
    """Return the series with one label's value under another name as well."""
    return f'label_replace({expression}, "{label}", "$1", "{source}", "(.+)")'
