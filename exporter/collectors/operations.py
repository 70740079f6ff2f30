"""What was asked: HTTP methods, routes and classes of status, database commands and collections, keys, names."""

from collections.abc import Iterator

from exporter.model import Operation
from exporter.protocols import base
from exporter.services.traffic import TrafficSnapshot
from toolkit.families import Family, counter

RESOLVED = "NOERROR"


def http_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the HTTP requests by method, class of status and route (empty, that is absent, where none is known)."""
    family = counter(
        "larimar_http_requests_total",
        "HTTP requests; status_class is `none` where no response was seen, `~other` is what exceeds the limit.",
        labels=("service_name", "role", "method", "status_class", "route"),
    )
    for key, side in snapshot.sides.items():
        if side.family is base.Family.HTTP:
            for operation, by_class in side.operations.counts.items():
                for status_class, count in by_class.items():
                    labels = (key.service_name, key.role.value, operation.name, status_class, operation.target)
                    family.add(labels, count)
    yield family


# What counts as a message, and what it is called, whatever the protocol calls it.
MESSAGE_OPERATIONS = {
    ("amqp", "basic.publish"): "publish",
    ("amqp", "basic.deliver"): "deliver",
    ("amqp", "basic.get"): "get",
    ("mqtt", "PUBLISH"): "publish",
    ("mqtt", "PUBLISH_OUT"): "deliver",
    ("websocket", "to-server"): "to-server",
    ("websocket", "to-client"): "to-client",
    ("kafka", "Produce"): "produce",
    ("kafka", "Fetch"): "fetch",
    ("nats", "PUB"): "publish",
    ("nats", "HPUB"): "publish",
    ("nats", "MSG"): "deliver",
    ("nats", "HMSG"): "deliver",
    ("smtp", "DATA"): "send",
    ("smtp", "BDAT LAST"): "send",
}


def messaging_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the messages that were published, delivered or fetched; what administers a broker is none."""
    family = counter(
        "larimar_messages_total",
        "Messages seen on the wire by messaging system and topic, exchange or queue (absent where it is not told); for "
        "Kafka, requests that produce or fetch them.",
        labels=("service_name", "role", "messaging_system", "operation", "destination"),
    )
    for key, side in snapshot.sides.items():
        if side.family is base.Family.MESSAGING:
            counts: dict[Operation, float] = {}
            for operation, by_class in side.operations.counts.items():
                name = MESSAGE_OPERATIONS.get((key.protocol, operation.name))
                if name is not None:
                    told = Operation(name, operation.target)
                    counts[told] = counts.get(told, 0.0) + sum(by_class.values())
            for told, count in counts.items():
                family.add((key.service_name, key.role.value, key.protocol, told.name, told.target), count)
    yield family


def db_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the database queries by system, operation and collection (empty, that is absent, where none is known)."""
    family = counter(
        "larimar_db_queries_total",
        "Database queries by command or SQL verb; `~other` is what exceeds the limit.",
        labels=("service_name", "role", "db_system", "operation", "collection"),
    )
    for key, side in snapshot.sides.items():
        if side.family in (base.Family.DATABASE, base.Family.CACHE):
            for operation, by_class in side.operations.counts.items():
                labels = (key.service_name, key.role.value, key.protocol, operation.name, operation.target)
                family.add(labels, sum(by_class.values()))
    yield family


def cache_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield how many keys were looked up in caches, and how many of them were found."""
    labels = ("service_name", "role", "db_system")
    gets = counter(
        "larimar_cache_gets_total", "Keys looked up in a cache, each key of a request by itself.", labels=labels
    )
    hits = counter("larimar_cache_hits_total", "Keys looked up in a cache and found.", labels=labels)
    for key, side in snapshot.sides.items():
        if side.family is base.Family.CACHE:
            values = (key.service_name, key.role.value, key.protocol)
            gets.add(values, side.cache_hits + side.cache_misses)
            hits.add(values, side.cache_hits)
    yield gets
    yield hits


def dns_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the DNS queries by type, and those that did not resolve by how the server or its silence said so."""
    queries = counter(
        "larimar_dns_queries_total",
        "DNS queries by record type; retries of an unanswered query count once.",
        labels=("service_name", "role", "operation"),
    )
    failures = counter(
        "larimar_dns_failures_total",
        "Failed DNS queries by response code, NXDOMAIN included; `none` where there was no response at all.",
        labels=("service_name", "role", "rcode"),
    )
    for key, side in snapshot.sides.items():
        if side.family is not base.Family.NAMES:
            continue
        by_rcode: dict[str, float] = {}
        for operation, by_status in side.operations.counts.items():
            queries.add((key.service_name, key.role.value, operation.name), sum(by_status.values()))
            for rcode, count in by_status.items():
                by_rcode[rcode] = by_rcode.get(rcode, 0.0) + count
        by_rcode.pop(RESOLVED, None)
        for rcode, count in by_rcode.items():
            failures.add((key.service_name, key.role.value, rcode), count)
    yield queries
    yield failures
