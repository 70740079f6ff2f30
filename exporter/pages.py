"""What the exporter serves: the metrics of every collector, and the pages beside them."""

from collections.abc import Callable, Iterator, Mapping, Sequence

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
from exporter.collectors.scrape import Droppable, Families, Guard, NamedCollector, Scrape, Shared
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
from toolkit.families import Family
from toolkit.health import health_routes
from toolkit.http1 import Handler
from toolkit.landing import Link, landing_handler
from toolkit.metrics_page import Joined, metrics_handler
from toolkit.ownprocess import OwnProcess
from toolkit.version import version

OfTraffic = Callable[[TrafficSnapshot], Iterator[Family]]


def capabilities(wire: Wire, host: Host, calling: Calling) -> Mapping[str, bool]:
    """Return what the exporter is and is not permitted to do here."""
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

    def itself() -> Iterator[Family]:
        return self_families(coverage(wire, host, portraits, calling, failures), version())

    def services() -> Iterator[Family]:
        return service_families(host.view().services, portraits.profiles())

    def of_traffic(families: OfTraffic) -> Families:
        return lambda: families(traffic.get())

    # Those that matter most come first: the series beyond the limit are the last ones.
    switched = (
        (True, NamedCollector("self", itself)),
        (config.services, NamedCollector("services", services)),
        (config.resources, NamedCollector("resources", lambda: resource_families(host.sample(clock())))),
        (config.traffic, NamedCollector("traffic", of_traffic(traffic_families))),
        (config.traffic, NamedCollector("certificates", of_traffic(certificate_families))),
        (config.edges, NamedCollector("edges", of_traffic(edge_families))),
        (config.tcp, NamedCollector("tcp", lambda: tcp_families(wire.connects()))),
        (config.sockets, NamedCollector("sockets", lambda: socket_families(host.transfers(), host.unix_edges()))),
        (config.sockets, NamedCollector("udp", lambda: udp_families(host.udp()))),
        (config.syscalls, NamedCollector("syscalls", lambda: syscall_families(calling.snapshot(), calling.status()))),
        (config.listen_ports, NamedCollector("listen", lambda: listen_families(host.view()))),
        (config.changes, NamedCollector("changes", lambda: change_families(portraits.changes()))),
        *_operations(config, of_traffic),
        (config.fingerprints, NamedCollector("fingerprints", lambda: fingerprint_families(portraits.profiles()))),
    )
    return tuple(collector for wanted, collector in switched if wanted)


def _operations(config: Config, of_traffic: Callable[[OfTraffic], Families]) -> tuple[tuple[bool, NamedCollector], ...]:
    """Return the collectors of single operations, each with whether the settings ask for it."""
    return (
        (config.business_value, NamedCollector("business-value", of_traffic(value_families))),
        (config.business_events, NamedCollector("business-events", of_traffic(event_families))),
        (config.http, NamedCollector("http", of_traffic(http_families))),
        (config.db, NamedCollector("db", of_traffic(db_families))),
        (config.cache, NamedCollector("cache", of_traffic(cache_families))),
        (config.messaging, NamedCollector("messaging", of_traffic(messaging_families))),
        (config.dns, NamedCollector("dns", of_traffic(dns_families))),
    )


def coverage(wire: Wire, host: Host, portraits: Portraits, calling: Calling, failures: Mapping[str, int]) -> Coverage:
    """Return how well the exporter sees at this moment."""
    counters, status = wire.counters(), host.status()
    shed = counters.governing.shed
    folded = {"service_name": counters.limited.get("service_name", 0) + status.services_refused}
    return Coverage(
        packets=counters.capture.packets,
        dropped=counters.capture.dropped,
        sampling_ratio=shed.ratio,
        sampling_error=counters.governing.error_ratio,
        cpu_budget=counters.governing.budget,
        cpu_seconds=counters.governing.cpu_seconds,
        unseen={"flows": shed.flows, "operations": shed.operations, "time": shed.time},
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
        estimated=counters.estimated,
        misjudged=counters.engine.misjudged,
        hidden_processes=status.hidden_processes,
        unowned_sockets=status.unowned_sockets,
        unsearched_processes=status.unsearched_processes,
        socket_failures=status.socket_failures,
        closings_lost=status.closings_lost,
        limited={**counters.limited, **folded},
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
    everything = Joined((Scrape(named, guard, clock, config.series_limit, shared), OwnProcess()))
    links = (
        Link(config.telemetry_path, "The exporter's metrics."),
        Link("/-/healthy", "Whether the process runs."),
        Link("/-/ready", "Whether it can do its work, or why not."),
    )
    about = "Observes this host's services and exposes what they do as Prometheus metrics."
    return {
        "/": landing_handler("Larimar exporter", about, version(), links),
        config.telemetry_path: metrics_handler(everything),
        **health_routes(not_ready),
    }
