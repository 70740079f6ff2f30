"""What was asked: HTTP methods, routes and classes of status, database commands and collections."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from exporter.protocols.base import Family
from exporter.services.traffic import TrafficSnapshot


def http_families(snapshot: TrafficSnapshot) -> Iterator[Metric]:
    """Yield the HTTP requests by method, class of status and route (empty, that is absent, where none is known)."""
    family = CounterMetricFamily(
        "larimar_http_requests_total",
        "HTTP requests; status_class is `none` where no response was seen, `~other` holds what exceeds the cap.",
        labels=("service_name", "role", "method", "status_class", "route"),
    )
    for key, side in snapshot.sides.items():
        if side.family is Family.HTTP:
            for operation, by_class in side.operations.counts.items():
                for status_class, count in by_class.items():
                    labels = (key.service_name, key.role.value, operation.name, status_class, operation.target)
                    family.add_metric(labels, count)
    yield family


def db_families(snapshot: TrafficSnapshot) -> Iterator[Metric]:
    """Yield the database queries by system, operation and collection (empty, that is absent, where none is known)."""
    family = CounterMetricFamily(
        "larimar_db_queries_total",
        "Database queries by command or SQL verb; `~other` holds what exceeds the cap.",
        labels=("service_name", "role", "db_system", "operation", "collection"),
    )
    for key, side in snapshot.sides.items():
        if side.family is Family.DATABASE:
            for operation, by_class in side.operations.counts.items():
                labels = (key.service_name, key.role.value, key.protocol, operation.name, operation.target)
                family.add_metric(labels, sum(by_class.values()))
    yield family
