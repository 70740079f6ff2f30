"""The metrics page, health and the landing page."""

import gzip

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.parser import text_string_to_metric_families

from toolkit.health import health_routes
from toolkit.http1 import Request
from toolkit.landing import Link, landing_handler
from toolkit.metrics_page import metrics_handler


def registry() -> CollectorRegistry:
    found = CollectorRegistry()
    Counter("demo_requests_total", "Requests.", registry=found).inc(3)
    gauge = Gauge("demo_temperature", "Degrees.", ["room"], registry=found)
    for room in range(100):
        gauge.labels(str(room)).set(room)
    return found


def test_metrics_are_text_by_default() -> None:
    response = metrics_handler(registry())(Request("GET", "/metrics"))
    assert response.content_type.startswith("text/plain")
    families = {family.name for family in text_string_to_metric_families(response.body.decode())}
    assert {"demo_requests", "demo_temperature"} <= families


def test_openmetrics_is_given_to_who_asks() -> None:
    request = Request("GET", "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0,text/plain"})
    response = metrics_handler(registry())(request)
    assert response.content_type.startswith("application/openmetrics-text")
    assert response.body.endswith(b"# EOF\n")


def test_compression_is_negotiated() -> None:
    handler = metrics_handler(registry())
    plain = handler(Request("GET", "/metrics"))
    packed = handler(Request("GET", "/metrics", headers={"accept-encoding": "gzip"}))
    assert ("Content-Encoding", "gzip") in packed.headers
    assert gzip.decompress(packed.body) == plain.body
    assert all(name != "Content-Encoding" for name, _ in plain.headers)


def test_names_choose_families_and_samples() -> None:
    handler = metrics_handler(registry())
    chosen = handler(Request("GET", "/metrics", query={"name[]": ("demo_requests_total", "no_such_metric")}))
    lines = [line for line in chosen.body.decode().splitlines() if not line.startswith("#")]
    assert lines == ["demo_requests_total 3.0"]
    family = handler(Request("GET", "/metrics", query={"name[]": ("demo_temperature",)}))
    assert family.body.count(b"\ndemo_temperature{") == 100


def test_health_is_always_well_and_readiness_has_reasons() -> None:
    reasons = ["prometheus: connection refused", "no packets"]
    routes = health_routes(lambda: reasons)
    assert routes["/-/healthy"](Request("GET", "/-/healthy")).status == 200
    unready = routes["/-/ready"](Request("GET", "/-/ready"))
    assert (unready.status, unready.body) == (503, b"Not ready:\nprometheus: connection refused\nno packets\n")
    reasons.clear()
    assert routes["/-/ready"](Request("GET", "/-/ready")).status == 200


def test_the_landing_page_links_and_escapes() -> None:
    page = landing_handler("<Larimar>", "a & b", "1.0", [Link("/metrics", "Metrics")])(Request("GET", "/"))
    assert page.content_type.startswith("text/html")
    assert b'<a href="/metrics">/metrics</a>' in page.body
    assert b"&lt;Larimar&gt;" in page.body
    assert b"a &amp; b" in page.body
