from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from exporter.collectors.edges import edge_families
from exporter.collectors.operations import db_families, http_families, messaging_families
from exporter.collectors.traffic import traffic_families
from exporter.model import Role
from exporter.services.histogram import BUCKETS
from exporter.services.traffic import EXTERNAL, Caps, Traffic, TrafficSnapshot
from tests.exporter.services.exchanges import FAMILIES, exchange, pushed, unanswered

Samples = dict[str, float]


class Given(Collector):
    """Families as a collector."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = list(families)

    def collect(self) -> list[Metric]:
        return self.families


def exposed(families: Iterable[Metric]) -> Samples:
    """The samples as Prometheus reads them, by name and labels."""
    registry = CollectorRegistry()
    registry.register(Given(families))
    text = generate_latest(registry).decode()
    return {
        "".join([sample.name, *(f" {label}={value}" for label, value in sorted(sample.labels.items()) if value)]): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def busy() -> TrafficSnapshot:
    traffic = Traffic(FAMILIES.__getitem__, Caps(), 900.0)
    web = traffic.side("web", Role.SERVER, "http")
    web.add(exchange(milliseconds=2))
    web.add(exchange("POST", "500", failed=True, milliseconds=30, target="/orders"))
    web.add(unanswered())
    cache = traffic.side("web", Role.CLIENT, "redis")
    cache.add(exchange("SET"))
    cache.add(exchange("SET", status="WRONGTYPE", failed=True))
    traffic.side("odd", Role.SERVER, "unknown").add(exchange("", milliseconds=7))
    traffic.edge(EXTERNAL, "web", "http").add(exchange(milliseconds=250, failed=True))
    return traffic.snapshot()


WEB = "protocol=http role=server service_name=web"


def test_requests_errors_bytes_and_durations_come_per_service_role_and_protocol() -> None:
    seen = exposed(traffic_families(busy()))
    assert seen[f"larimar_requests_total {WEB}"] == 3
    assert seen[f"larimar_request_errors_total {WEB}"] == 1
    assert seen[f"larimar_request_bytes_total {WEB}"] == 300
    assert seen[f"larimar_response_bytes_total {WEB}"] == 2000
    assert seen[f"larimar_request_duration_seconds_count {WEB}"] == 2
    assert seen[f"larimar_request_duration_seconds_sum {WEB}"] == 0.032
    assert seen["larimar_requests_total protocol=redis role=client service_name=web"] == 2


def test_errors_count_from_zero_so_that_the_first_burst_is_an_increase() -> None:
    traffic = Traffic(FAMILIES.__getitem__, Caps(), 900.0)
    traffic.side("web", Role.SERVER, "http").add(exchange())
    traffic.edge(EXTERNAL, "web", "http").add(exchange())
    snapshot = traffic.snapshot()
    seen = exposed([*traffic_families(snapshot), *edge_families(snapshot)])
    assert seen[f"larimar_request_errors_total {WEB}"] == 0
    assert seen[f"larimar_edge_request_errors_total client={EXTERNAL} protocol=http server=web"] == 0


def test_buckets_are_cumulated_up_to_the_count() -> None:
    seen = exposed(traffic_families(busy()))
    buckets = {
        sample: value
        for sample, value in seen.items()
        if sample.startswith("larimar_request_duration_seconds_bucket") and sample.endswith(WEB)
    }
    assert len(buckets) == BUCKETS
    assert buckets[f"larimar_request_duration_seconds_bucket le=0.0016 {WEB}"] == 0
    assert buckets[f"larimar_request_duration_seconds_bucket le=0.0025 {WEB}"] == 1
    assert buckets[f"larimar_request_duration_seconds_bucket le=0.04 {WEB}"] == 2
    assert buckets[f"larimar_request_duration_seconds_bucket le=+Inf {WEB}"] == 2


def test_what_is_only_inferred_is_kept_apart() -> None:
    seen = exposed(traffic_families(busy()))
    odd = "protocol=unknown role=server service_name=odd"
    assert seen[f"larimar_inferred_requests_total {odd}"] == 1
    assert seen[f"larimar_inferred_response_seconds_sum {odd}"] == 0.007
    assert not any(sample.startswith("larimar_request") and "unknown" in sample for sample in seen)


def test_http_requests_come_by_method_class_of_status_and_route() -> None:
    web = "role=server {route}service_name=web status_class"
    assert exposed(http_families(busy())) == {
        f"larimar_http_requests_total method=GET {web.format(route='')}=2xx": 1,
        f"larimar_http_requests_total method=GET {web.format(route='')}=none": 1,
        f"larimar_http_requests_total method=POST {web.format(route='route=/orders ')}=5xx": 1,
    }


def test_database_queries_come_by_system_and_operation() -> None:
    assert exposed(db_families(busy())) == {
        "larimar_db_queries_total db_system=redis operation=SET role=client service_name=web": 2
    }


def test_messages_come_by_what_became_of_them_and_a_push_is_no_request() -> None:
    traffic = Traffic(FAMILIES.__getitem__, Caps(), 900.0)
    broker = traffic.side("broker", Role.SERVER, "amqp")
    for name in ("queue.declare", "basic.publish", "basic.publish"):
        broker.add(exchange(name))
    broker.add(pushed("basic.deliver"))
    labels = "messaging_system=amqp operation={} role=server service_name=broker"
    assert exposed(messaging_families(traffic.snapshot())) == {
        f"larimar_messages_total {labels.format('publish')}": 2,
        f"larimar_messages_total {labels.format('deliver')}": 1,
    }
    assert (
        exposed(traffic_families(traffic.snapshot()))[
            "larimar_requests_total protocol=amqp role=server service_name=broker"
        ]
        == 3
    )


def test_edges_name_what_is_elsewhere_without_its_address() -> None:
    edge = "client=~external protocol=http server=web"
    assert exposed(edge_families(busy())) == {
        f"larimar_edge_requests_total {edge}": 1,
        f"larimar_edge_request_errors_total {edge}": 1,
        f"larimar_edge_request_duration_seconds_count {edge}": 1,
        f"larimar_edge_request_duration_seconds_sum {edge}": 0.25,
    }


def test_traces_of_slow_requests_are_exemplars_in_openmetrics_only() -> None:
    traffic = Traffic(FAMILIES.__getitem__, Caps(), 900.0)
    side = traffic.side("web", Role.SERVER, "http")
    for milliseconds in (3.0, 3.1, 700.0):
        trace = f"{round(milliseconds * 10):032x}-00f067aa0ba902b7".encode()
        side.add(exchange(milliseconds=milliseconds, trace=trace))
    side.add(exchange(milliseconds=701))
    registry = CollectorRegistry()
    registry.register(Given(list(traffic_families(traffic.snapshot()))))
    page = openmetrics_latest(registry).decode()  # type: ignore[no-untyped-call]  # the library has no types for it
    families = list(openmetrics(page))  # type: ignore[no-untyped-call]  # nor for this
    found = {
        sample.labels["le"]: sample.exemplar for family in families for sample in family.samples if sample.exemplar
    }
    assert sorted(found) == ["0.004", "1.0"]
    assert found["1.0"].labels == {"trace_id": f"{7000:032x}", "span_id": "00f067aa0ba902b7"}
    assert found["1.0"].value == 0.7
    assert found["0.004"].labels["trace_id"] == f"{31:032x}"  # the latest one
    assert "trace_id" not in generate_latest(registry).decode()
