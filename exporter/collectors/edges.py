"""Edges: requests, errors and durations between two services."""

from collections.abc import Iterator

from exporter.services.histogram import NANOSECONDS
from exporter.services.traffic import TrafficSnapshot
from toolkit.families import Family, counter, summary

LABELS = ("client", "server", "protocol")


def edge_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the families of edges; an end that is not on this host is `~external`."""
    requests = counter(
        "larimar_edge_requests_total", "Requests of one service to another; `~external` is another host.", labels=LABELS
    )
    errors = counter(
        "larimar_edge_request_errors_total", "Requests of one service to another that failed.", labels=LABELS
    )
    durations = summary(
        "larimar_edge_request_duration_seconds",
        "Time from a request's first byte to its response's last, from one service to another.",
        labels=LABELS,
    )
    for key, edge in snapshot.edges.items():
        labels = (key.client, key.server, key.protocol)
        requests.add(labels, edge.requests)
        errors.add(labels, edge.errors)
        durations.add_summary(labels, edge.durations, edge.duration_sum / NANOSECONDS)
    yield requests
    yield errors
    yield durations
