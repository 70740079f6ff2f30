"""What the exporter serves: the metrics of every collector, and the pages beside them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from exporter.collectors.business import event_families, value_families
from exporter.collectors.certificates import certificate_families
from exporter.collectors.edges import edge_families
from exporter.collectors.fingerprints import fingerprint_families
from exporter.collectors.listen import listen_families
from exporter.collectors.operations import (
    cache_families,
    db_families,
    dns_families,
    http_families,
    messaging_families,
)
from exporter.collectors.resources import resource_families
from exporter.collectors.scrape import Droppable, Guard, NamedCollector, Scrape, Shared
from exporter.collectors.self import Coverage, self_families
from exporter.collectors.services import change_families, service_families
from exporter.collectors.sockets import socket_families
from exporter.collectors.syscalls import syscall_families
from exporter.collectors.tcp import tcp_families
from exporter.collectors.traffic import traffic_families
from exporter.collectors.udp import udp_families
from exporter.config import Config
from exporter.portraits import Portraits
from exporter.services.traffic import TrafficSnapshot
from exporter.sources.calling import NOT_WANTED, Calling
from exporter.sources.host import Host
from exporter.wire import Wire
from toolkit.health import health_routes
from toolkit.http1 import Handler
from toolkit.landing import Link, landing_handler
from toolkit.metrics_page import metrics_handler
from toolkit.version import version


def capabilities(wire: Wire, host: Host, calling: Calling) -> Mapping[str, bool]:
    """Return what may and may not be done here."""
    off = calling.status().off
    syscalls = {} if off == NOT_WANTED else {"syscalls": not off}
    return {"capture": wire.captures, **host.status().capabilities, **syscalls}


def collectors(
    config: Config,
    wire: Wire,
    host: Host,
    portraits: Portraits,
    calling: Calling,
    traffic: Shared[TrafficSnapshot],
    *,
    clock: Callable[[], float],
    failures: Mapping[str, int],
) -> tuple[NamedCollector, ...]:
    """Return the collectors that the settings ask for; those of traffic share one snapshot for each page."""

    def resources() -> Iterator[Metric]:
        return resource_families(host.sample(clock()))

    def itself() -> Iterator[Metric]:
        return self_families(coverage(wire, host, portraits, calling, failures), version())

    # Those that matter most come first: the series beyond the limit are the last ones.
    switched = (
        (True, NamedCollector("self", itself)),
        (
            config.services,
            NamedCollector("services", lambda: service_families(host.view().services, portraits.profiles())),
        ),
        (config.resources, NamedCollector("resources", resources)),
        (config.traffic, NamedCollector("traffic", lambda: traffic_families(traffic.get()))),
        (config.traffic, NamedCollector("certificates", lambda: certificate_families(traffic.get()))),
        (config.edges, NamedCollector("edges", lambda: edge_families(traffic.get()))),
        (config.tcp, NamedCollector("tcp", lambda: tcp_families(wire.connects()))),
        (config.sockets, NamedCollector("sockets", lambda: socket_families(host.transfers(), host.unix_edges()))),
        (config.sockets, NamedCollector("udp", lambda: udp_families(host.udp()))),
        (config.syscalls, NamedCollector("syscalls", lambda: syscall_families(calling.snapshot(), calling.status()))),
        (config.listen_ports, NamedCollector("listen", lambda: listen_families(host.view()))),
        (config.changes, NamedCollector("changes", lambda: change_families(portraits.changes()))),
        (config.business_value, NamedCollector("business-value", lambda: value_families(traffic.get()))),
        (config.business_events, NamedCollector("business-events", lambda: event_families(traffic.get()))),
        (config.http, NamedCollector("http", lambda: http_families(traffic.get()))),
        (config.db, NamedCollector("db", lambda: db_families(traffic.get()))),
        (config.cache, NamedCollector("cache", lambda: cache_families(traffic.get()))),
        (config.messaging, NamedCollector("messaging", lambda: messaging_families(traffic.get()))),
        (config.dns, NamedCollector("dns", lambda: dns_families(traffic.get()))),
        (config.fingerprints, NamedCollector("fingerprints", lambda: fingerprint_families(portraits.profiles()))),
    )
    return tuple(collector for wanted, collector in switched if wanted)


def coverage(wire: Wire, host: Host, portraits: Portraits, calling: Calling, failures: Mapping[str, int]) -> Coverage:
    """Return how well the exporter sees at this moment."""
    counters, status = wire.counters(), host.status()
    return Coverage(
        packets=counters.capture.packets,
        dropped=counters.capture.dropped,
        sampling_ratio=counters.governing.shed.ratio,
        sampling_error=counters.governing.error_ratio,
        cpu_budget=counters.governing.budget,
        cpu_seconds=counters.governing.cpu_seconds,
        unseen={
            "flows": counters.governing.shed.flows,
            "operations": counters.governing.shed.operations,
            "time": counters.governing.shed.time,
        },
        malformed=counters.engine.malformed,
        flows_active=counters.engine.flows_active,
        flows_evicted=counters.engine.flows_evicted,
        inferred=counters.attribution.inferred,
        unattributed=counters.attribution.unattributed,
        parse_errors=counters.attribution.unparsable,
        interfaces=counters.capture.interfaces,
        refused_interfaces=counters.capture.refused,
        method=counters.capture.method,
        filter=counters.capture.filter.name,
        filter_reason=counters.capture.filter.reason,
        flows_misplaced=counters.engine.misplaced,
        gap_bytes=counters.engine.gap_bytes,
        misjudged=counters.engine.misjudged,
        hidden_processes=status.hidden_processes,
        unowned_sockets=status.unowned_sockets,
        unsearched_processes=status.unsearched_processes,
        socket_failures=status.socket_failures,
        closings_lost=status.closings_lost,
        limited={
            **counters.limited,
            "service_name": counters.limited.get("service_name", 0) + status.services_refused,
        },
        # A connection whose parser failed is dropped, and must not go unseen.
        failures={**failures, "connection": counters.engine.consumers_failed},
        capabilities={**capabilities(wire, host, calling), "class_model": portraits.has_model},
    )


def routes(
    config: Config,
    named: Sequence[NamedCollector],
    shared: Sequence[Droppable],
    guard: Guard,
    clock: Callable[[], float],
    not_ready: Callable[[], Sequence[str]],
) -> Mapping[str, Handler]:
    """Return the handlers by path."""
    registry = CollectorRegistry()
    registry.register(Scrape(named, guard, clock, config.series_limit, shared))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    links = (
        Link(config.telemetry_path, "the metrics"),
        Link("/-/healthy", "whether it runs"),
        Link("/-/ready", "whether it sees"),
    )
    return {
        "/": landing_handler("Larimar exporter", "What this host's services do, seen from outside.", version(), links),
        config.telemetry_path: metrics_handler(registry),
        **health_routes(not_ready),
    }
