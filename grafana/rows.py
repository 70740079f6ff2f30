"""The rows of the service overview and what each of their panels asks."""

from collections.abc import Sequence

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana.panels import Column, Line, lines, number, rows_of

# Which exporters and services are looked at.
HOSTS = 'job=~"$job",instance=~"$instance"'
SERVICES = f'{HOSTS},service_name=~"$service_name"'
SERVER = f'{SERVICES},role="server"'
EDGES = f'{HOSTS},client=~"$service_name|~.*"'
# The detector is another job on another host.
WATCHED = 'service_name=~"$service_name"'
RATE = "[$__rate_interval]"

Panels = Sequence[Builder[models.Panel]]


def rows() -> tuple[tuple[str, Panels], ...]:
    """Return each row's title and panels, from the top down."""
    return (
        ("How is business", _business()),
        ("Which service is off", _anomalies()),
        ("Requests, errors, latency (as servers)", _requests()),
        ("Who calls whom", _edges()),
        ("What the services use", _resources()),
        ("What runs", _inventory()),
        ("Can this be trusted: Larimar itself", _coverage()),
    )


def _rate(metric: str, by: str, matchers: str = SERVER) -> str:
    return f"sum by ({by}) (rate({metric}{{{matchers}}}{RATE}))"


def _share_of_errors(by: str) -> str:
    """Return failed requests as a share; nought where a service never failed, nothing where none were asked."""
    requests = _rate("larimar_requests_total", by)
    return f"({_rate('larimar_request_errors_total', by)} or 0 * {requests}) / ({requests} > 0)"


def _quantile(quantile: float, matchers: str = SERVER) -> str:
    buckets = _rate("larimar_request_duration_seconds_bucket", "service_name, le", matchers)
    return f"histogram_quantile({quantile}, {buckets})"


def _business() -> Panels:
    # A query between two watched services is seen from both sides; each side alone counts it once.
    either = "max(sum by (role) (rate(larimar_db_queries_total{{{},db_system{}}}{})))"
    caches = '=~"redis|memcached"'
    valued = _rate("larimar_business_value_total", "service_name, event, field, currency", SERVICES)
    return (
        number(
            "Requests",
            "Requests answered by services here, all protocols.",
            Line(f"sum(rate(larimar_requests_total{{{SERVER}}}{RATE}))"),
            "reqps",
            4,
        ),
        number(
            "Pages",
            "HTTP requests answered.",
            Line(f"sum(rate(larimar_http_requests_total{{{SERVER}}}{RATE}))"),
            "reqps",
            4,
        ),
        number(
            "Database queries",
            "Queries of relational and document databases.",
            Line(either.format(SERVICES, '!~"redis|memcached"', RATE)),
            "ops",
            4,
        ),
        number("Cache commands", "Commands to caches.", Line(either.format(SERVICES, caches, RATE)), "ops", 4),
        number(
            "Reads",
            "Calls of read() and its family.",
            Line(f"sum(rate(larimar_service_read_syscalls_total{{{SERVICES}}}{RATE}))"),
            "ops",
            4,
        ),
        number(
            "Failed",
            "Share of requests whose answer says that they failed, over all services.",
            Line(
                f"sum(rate(larimar_request_errors_total{{{SERVER}}}{RATE})) / "
                f"(sum(rate(larimar_requests_total{{{SERVER}}}{RATE})) > 0)"
            ),
            "percentunit",
            4,
            warn=0.01,
            alarm=0.05,
        ),
        lines(
            "Business events",
            "What was changed with success, such as orders.insert or POST /checkout; the ten most frequent.",
            [
                Line(
                    f"topk(10, {_rate('larimar_business_events_total', 'service_name, event', SERVICES)})",
                    "{{service_name}} {{event}}",
                )
            ],
            "ops",
            12,
        ),
        lines(
            "Business value",
            "Money and quantities that events carry per second, by the field's name and currency; the ten largest.",
            [Line(f"topk(10, {valued})", "{{service_name}} {{event}} {{field}} {{currency}}")],
            "short",
            12,
        ),
    )


def _anomalies() -> Panels:
    keys = ("service_name", "signal")
    by = "max by (service_name, signal) (larimar_detector_{}{{{}}})"
    return (
        lines(
            "Anomaly score",
            "How far each signal of each service is from its usual course; above 1 is anomalous.",
            [Line(f"topk(10, {by.format('anomaly_score', WATCHED)})", "{{service_name}} {{signal}}")],
            "none",
            12,
            alarm=1,
        ),
        rows_of(
            "Observed and expected now",
            "What is seen and what is usual at this hour, in the signal's own unit.",
            keys,
            (
                Column("Score", by.format("anomaly_score", WATCHED), "none", warn=0.7, alarm=1),
                Column("Observed", by.format("observed", WATCHED), "short"),
                Column("Expected", by.format("expected", WATCHED), "short"),
                Column("Usual from", by.format("expected_lower", WATCHED), "short"),
                Column("Usual to", by.format("expected_upper", WATCHED), "short"),
            ),
            12,
            height=8,
        ),
    )


def _requests() -> Panels:
    name = "{{service_name}}"
    as_clients = f'{SERVICES},role="client"'
    return (
        lines(
            "Requests per second",
            "Answered by each service.",
            [Line(_rate("larimar_requests_total", "service_name"), name)],
            "reqps",
            8,
        ),
        lines(
            "Share of errors",
            "Answers that say that the request failed.",
            [Line(_share_of_errors("service_name"), name)],
            "percentunit",
            8,
        ),
        lines(
            "Median latency",
            "From a request's first byte to its answer's last.",
            [Line(_quantile(0.5), name)],
            "s",
            8,
        ),
        lines("95th percentile", "One request in twenty takes longer.", [Line(_quantile(0.95), name)], "s", 8),
        lines("99th percentile", "One request in a hundred takes longer.", [Line(_quantile(0.99), name)], "s", 8),
        lines(
            "Waiting for others, 95th percentile",
            "As client: how long each service waits for what it calls.",
            [Line(_quantile(0.95, as_clients), name)],
            "s",
            8,
        ),
        lines(
            "As server and as client",
            "What each service answers and what it asks of others.",
            [Line(_rate("larimar_requests_total", "service_name, role", SERVICES), f"{name} {{{{role}}}}")],
            "reqps",
            8,
        ),
        lines(
            "HTTP answers by class",
            "What the web servers answered.",
            [Line(_rate("larimar_http_requests_total", "service_name, status_class"), f"{name} {{{{status_class}}}}")],
            "reqps",
            8,
        ),
        lines(
            "Bytes received and sent",
            "Requests in, answers out, as server.",
            [
                Line(_rate("larimar_request_bytes_total", "service_name"), f"{name} in"),
                Line(_rate("larimar_response_bytes_total", "service_name"), f"{name} out"),
            ],
            "Bps",
            8,
        ),
        lines(
            "Busiest routes",
            "HTTP requests by route, as server; ~other holds unknown paths and the least used routes.",
            [_busiest("larimar_http_requests_total", "method, route", SERVER, "{{method}} {{route}}")],
            "reqps",
            8,
        ),
        lines(
            "Busiest tables",
            "Queries by table or collection, as client.",
            [_busiest("larimar_db_queries_total", "operation, collection", as_clients, "{{operation}} {{collection}}")],
            "ops",
            8,
        ),
        lines(
            "Busiest topics",
            "Messages by topic, exchange or queue, as client.",
            [_busiest("larimar_messages_total", "operation, destination", as_clients, "{{operation}} {{destination}}")],
            "ops",
            8,
        ),
    )


def _busiest(metric: str, by: str, matchers: str, name: str) -> Line:
    """Return the operations of each service that are used most."""
    return Line(f"topk(10, {_rate(metric, f'service_name, {by}', matchers)})", f"{{{{service_name}}}} {name}")


def _edges() -> Panels:
    by = "client, server, protocol"
    requests = _rate("larimar_edge_requests_total", by, EDGES)
    duration = "larimar_edge_request_duration_seconds"
    errors = _rate("larimar_edge_request_errors_total", by, EDGES)
    return (
        rows_of(
            "Calls between services",
            "Each pair of caller and called; ~external is another host.",
            ("client", "server", "protocol"),
            (
                Column("Requests", requests, "reqps"),
                Column("Failed", f"({errors} or 0 * {requests}) / ({requests} > 0)", "percentunit", 0.01, 0.05),
                Column(
                    "Mean time",
                    f"{_rate(f'{duration}_sum', by, EDGES)} / ({_rate(f'{duration}_count', by, EDGES)} > 0)",
                    "s",
                ),
            ),
            24,
        ),
    )


def _resources() -> Panels:
    name = "{{service_name}}"

    def gauge(metric: str, how: str = "sum") -> str:
        return f"{how} by (service_name) (larimar_service_{metric}{{{SERVICES}}})"

    def rate(metric: str) -> str:
        return _rate(f"larimar_service_{metric}_total", "service_name", SERVICES)

    return (
        lines("CPU", "Processor cores in use.", [Line(rate("cpu_seconds"), name)], "short", 8),
        lines("Memory", "Resident memory.", [Line(gauge("memory_resident_bytes"), name)], "bytes", 8),
        lines(
            "Disk",
            "Bytes fetched from and sent to storage.",
            [Line(rate("disk_read_bytes"), f"{name} read"), Line(rate("disk_written_bytes"), f"{name} written")],
            "Bps",
            8,
        ),
        lines(
            "Reads and writes",
            "Calls of the read and write families: files, pipes and sockets.",
            [Line(rate("read_syscalls"), f"{name} reads"), Line(rate("write_syscalls"), f"{name} writes")],
            "ops",
            8,
        ),
        lines(
            "Open files, share of the limit",
            "Of the process nearest to its limit; at 1 no connection can be accepted.",
            [Line(gauge("open_fds_limit_ratio", "max"), name)],
            "percentunit",
            8,
            alarm=0.9,
        ),
        lines(
            "Processes and threads",
            "How many there are.",
            [Line(gauge("processes"), f"{name} processes"), Line(gauge("threads"), f"{name} threads")],
            "short",
            8,
        ),
        lines(
            "Changes",
            "What became different: a new executable, command line, image, unit or configuration, a port, "
            "whom it asks, a restart.",
            [
                Line(
                    f"sum by (service_name, change) (increase(larimar_service_changes_total{{{SERVICES}}}{RATE})) > 0",
                    f"{name} {{{{change}}}}",
                )
            ],
            "short",
            12,
        ),
        lines(
            "Unlike itself",
            "How far each service's behaviour is from its usual one, in usual deviations; above 3 something moved.",
            [Line(f"max by (service_name) (larimar_service_fingerprint_distance{{{SERVICES}}})", name)],
            "short",
            12,
        ),
    )


def _inventory() -> Panels:
    return (
        rows_of(
            "Services",
            "Each service, what kind of thing it is, how its name was found, and how long its oldest process has run.",
            ("service_name", "service_class", "instance", "name_source", "runtime", "container"),
            (
                Column(
                    "Running for",
                    f"(time() - larimar_service_start_time_seconds{{{SERVICES}}}) * on (service_name, job, instance) "
                    f"group_left (service_class, name_source, runtime, container) larimar_service_info{{{SERVICES}}}",
                    "s",
                ),
            ),
            14,
        ),
        rows_of(
            "Listening",
            "On which ports the services wait to be called.",
            ("service_name", "instance", "port", "transport"),
            (
                Column(
                    "Sockets",
                    f"sum by (service_name, instance, port, transport) (larimar_listen_info{{{SERVICES}}})",
                    "none",
                ),
            ),
            10,
        ),
    )


def _coverage() -> Panels:
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
                Line(_rate("larimar_flows_unattributed_total", "instance", HOSTS), f"{host} unattributed"),
                Line(_rate("larimar_flows_evicted_total", "instance", HOSTS), f"{host} evicted"),
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
