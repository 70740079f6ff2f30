"""The whole exporter in this process, watching real servers and clients on loopback."""

import http.client
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from exporter.app import App, Attempts
from exporter.config import Config
from exporter.sources.capture import Capture
from exporter.sources.errors import SourceError
from tests.contract.exposition import families, golden
from tests.exporter.sources.proctree import ProcTree
from tests.live.support.namespace import own_loopback
from toolkit.server import ServeError
from toolkit.values import Address

LOOPBACK = Address("127.0.0.1", 0)
UNSHED = 64.0  # here the thread that tests is the one that captures
PATIENCE_SECONDS = 60.0  # of a machine that does much else; nothing waits that long in vain
SERVER = """
import http.server, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.05)
        body = b"x" * 5000
        self.send_response({"/missing": 404, "/broken": 500}.get(self.path, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
CLIENT = """
import http.client, sys, time

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.connect()
sys.stdin.readline()
begun = time.monotonic()
for path, times in (("/", 60), ("/missing", 7), ("/broken", 5), ("/slow", 3)):
    for _ in range(times):
        connection.request("GET", path)
        connection.getresponse().read()
print(time.monotonic() - begun, flush=True)
sys.stdin.read()
"""

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def fetch(app: App, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    with closing(
        http.client.HTTPConnection(app.server.address.host, app.server.address.port, timeout=PATIENCE_SECONDS)
    ) as connection:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()


def samples(app: App) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(fetch(app, "/metrics")[1])
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """The sum over all series of a name that have these labels."""
    return sum(each for (sample, has), each in found.items() if sample == name and labels.items() <= set(has))


def turn_until(app: App, ready: Callable[[], bool]) -> None:
    """Turn the app's loop until something shows."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        app.round()
        if ready():
            return
    pytest.fail("it did not show in time")


def both_ends_known(found: Samples) -> bool:
    """Return whether it is known who holds the ends of the connection."""
    ends = {"storefront": "server", "shopper": "client"}
    return all(
        value(found, "larimar_tcp_connections", service_name=name, role=role, state="established") == 1
        for name, role in ends.items()
    )


def assert_edge(found: Samples) -> None:
    edge = {"client": "shopper", "server": "storefront", "protocol": "http"}
    assert value(found, "larimar_edge_requests_total", **edge) == 75
    assert value(found, "larimar_edge_request_errors_total", **edge) == 12
    assert value(found, "larimar_edge_request_duration_seconds_count", **edge) == 75


@pytest.fixture(scope="module", autouse=True)
def _alone_on_loopback() -> Iterator[None]:
    """Keep the traffic of other tests from the counts, where that is permitted."""
    with own_loopback():
        yield


@pytest.fixture
def app() -> Iterator[App]:
    with closing(App(Config(listen=LOOPBACK, cpu_budget=UNSHED))) as made:
        yield made


@pytest.fixture
def blind_app() -> Iterator[App]:
    with closing(App(Config(listen=LOOPBACK, capture=False))) as made:
        yield made


@pytest.fixture
def may_capture() -> None:
    try:
        Capture(("lo",), 256, 4 << 20).close()
    except SourceError as error:
        pytest.skip(f"no packets may be captured here: {error}")


@pytest.mark.live
@pytest.mark.usefixtures("may_capture")
def test_real_requests_are_counted_for_server_client_and_edge(app: App, tmp_path: Path) -> None:
    (tmp_path / "storefront.py").write_text(SERVER)
    (tmp_path / "shopper.py").write_text(CLIENT)
    server = [sys.executable, str(tmp_path / "storefront.py")]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        port = serving.stdout.readline().strip()
        asking = [sys.executable, str(tmp_path / "shopper.py"), port]
        with subprocess.Popen(asking, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shopper:
            assert shopper.stdin is not None
            assert shopper.stdout is not None
            try:
                # A busy machine takes longer to find out whose a connection is than its requests may wait for that.
                turn_until(app, lambda: both_ends_known(samples(app)))
                shopper.stdin.write("go\n")
                shopper.stdin.flush()
                took = float(shopper.stdout.readline())
                turn_until(app, lambda: value(samples(app), "larimar_requests_total", service_name="shopper") == 75)
                found = samples(app)
            finally:
                shopper.kill()
                serving.kill()
    for name, role in (("storefront", "server"), ("shopper", "client")):
        labels = {"service_name": name, "role": role, "protocol": "http"}
        assert value(found, "larimar_requests_total", **labels) == 75
        assert value(found, "larimar_request_errors_total", **labels) == 12
        assert value(found, "larimar_request_duration_seconds_count", **labels) == 75
        assert 0.15 < value(found, "larimar_request_duration_seconds_sum", **labels) < took
        assert value(found, "larimar_request_duration_seconds_bucket", le="0.04", **labels) <= 72
        assert value(found, "larimar_response_bytes_total", **labels) > 75 * 5000
    http_requests = {"service_name": "storefront", "role": "server", "method": "GET"}
    assert value(found, "larimar_http_requests_total", status_class="2xx", **http_requests) == 63
    assert value(found, "larimar_http_requests_total", status_class="4xx", **http_requests) == 7
    assert value(found, "larimar_http_requests_total", status_class="5xx", **http_requests) == 5
    assert_edge(found)
    assert value(found, "larimar_listen_info", service_name="storefront", port=port, transport="tcp") == 1
    assert value(found, "larimar_capture_packets_total") > 150
    assert value(found, "larimar_capture_method", method="bpf") == 1
    assert value(found, "larimar_capability_available", capability="capture") == 1


@pytest.mark.live
@pytest.mark.usefixtures("may_capture")
def test_requests_are_counted_where_only_scapy_can_capture(tmp_path: Path) -> None:
    (tmp_path / "storefront.py").write_text(SERVER)
    server = [sys.executable, str(tmp_path / "storefront.py")]
    with (
        closing(App(Config(listen=LOOPBACK, cpu_budget=UNSHED, capture_method="scapy"))) as app,
        subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as serving,
    ):
        assert serving.stdout is not None
        client = http.client.HTTPConnection("127.0.0.1", int(serving.stdout.readline()))

        def counted() -> bool:
            client.request("GET", "/")
            client.getresponse().read()
            labels = {"service_name": "storefront", "role": "server", "method": "GET", "status_class": "2xx"}
            return value(samples(app), "larimar_http_requests_total", **labels) > 0

        try:
            turn_until(app, counted)
        finally:
            client.close()
            serving.kill()
        assert value(samples(app), "larimar_capture_method", method="scapy") == 1


def test_without_capture_it_serves_what_it_can(blind_app: App) -> None:
    blind_app.round()
    found = samples(blind_app)
    assert value(found, "larimar_capability_available", capability="capture") == 0
    assert value(found, "larimar_capture_sampling_ratio") == 0
    assert value(found, "larimar_service_processes") > 0
    worked = [number for (name, _), number in found.items() if name == "larimar_scrape_collector_success"]
    assert len(worked) > 10
    assert all(worked)
    assert value(found, "larimar_series") > 20
    assert value(found, "process_resident_memory_bytes") > 0


def test_what_is_missing_is_said_once_with_the_command_that_grants_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), closing(App(Config(listen=LOOPBACK, capture=False))) as app:
        app.round()
        app.round()
        lines = [record for record in caplog.records if record.msg == "not permitted to see everything"]
    assert len(lines) == 1
    assert "requests, errors, durations" in vars(lines[0])["missing"]
    assert "net_raw" in vars(lines[0])["grant"]


def test_why_nothing_is_captured_is_said_in_the_same_line(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING),
        closing(App(Config(listen=LOOPBACK, interfaces=("larimar-none",)))) as app,
    ):
        app.round()
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.msg for record in lines] == ["not permitted to see everything"]
    assert vars(lines[0])["reason"] == "no interface to capture is up: larimar-none"


def test_what_a_process_uses_counts_also_between_scrapes(tmp_path: Path) -> None:
    tree = ProcTree.at(tmp_path / "proc")
    tree.add(10, b"/opt/till", cpu=5)
    now = [100.0]
    with closing(App(Config(listen=LOOPBACK, capture=False, procfs=tree.path), clock=lambda: now[0])) as app:
        app.round()
        tree.add(10, b"/opt/till", cpu=5 + 3 * os.sysconf("SC_CLK_TCK"))
        now[0] += 5.0
        app.round()
        tree.remove(10)
        now[0] += 1.0
        app.round()
        assert value(samples(app), "larimar_service_cpu_seconds_total", service_name="till", mode="user") == 3


def test_the_pages_of_the_ecosystem_are_there(blind_app: App) -> None:
    assert fetch(blind_app, "/-/healthy")[0] == 200
    assert fetch(blind_app, "/-/ready")[0] == 503
    blind_app.round()
    assert fetch(blind_app, "/-/ready")[0] == 200
    status, page = fetch(blind_app, "/")
    assert status == 200
    assert 'href="/metrics"' in page


def test_openmetrics_is_served_to_who_asks_for_it(blind_app: App) -> None:
    page = fetch(blind_app, "/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})[1]
    assert page.endswith("# EOF\n")
    names = {family.name for family in openmetrics_families(page)}  # type: ignore[no-untyped-call]  # ships no types
    assert {"larimar_requests", "larimar_build_info", "larimar_service_cpu_seconds"} <= names


def test_every_metric_has_the_type_and_labels_that_others_rely_on(blind_app: App) -> None:
    blind_app.round()
    promised = golden()
    for name, family in families(fetch(blind_app, "/metrics")[1]).items():
        assert name in promised
        assert family.kind == promised[name].kind
        assert not family.labels or family.labels == promised[name].labels


def test_a_loop_that_hangs_is_not_ready() -> None:
    now = [100.0]
    with closing(App(Config(listen=LOOPBACK, capture=False), clock=lambda: now[0])) as app:
        app.round()
        assert fetch(app, "/-/ready")[0] == 200
        now[0] += 60
        assert fetch(app, "/-/ready")[0] == 503


def test_a_collector_can_be_left_out() -> None:
    with closing(App(Config(listen=LOOPBACK, capture=False, edges=False))) as app:
        collectors = {dict(labels).get("collector") for _, labels in samples(app)}
    assert "traffic" in collectors
    assert "edges" not in collectors


def test_an_address_that_is_taken_is_a_clear_error() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=r"web\.listen-address"):
            App(Config(listen=Address("127.0.0.1", port), capture=False))


def test_the_loop_ends_when_it_is_told_to(blind_app: App) -> None:
    stop = threading.Event()
    loop = threading.Thread(target=blind_app.run, args=(stop,))
    loop.start()
    stop.set()
    loop.join(PATIENCE_SECONDS)
    assert not loop.is_alive()


def test_what_fails_is_counted_each_time_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    attempts = Attempts()

    def fail() -> int:
        raise ZeroDivisionError

    assert [attempts.run("stage", fail), attempts.run("stage", fail)] == [None, None]
    assert len(caplog.records) == 1
    assert attempts.run("stage", lambda: 3) == 3
    attempts.run("stage", fail)
    assert attempts.failures == {"stage": 3}
    assert len(caplog.records) == 2


def test_no_descriptor_is_left_behind() -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with closing(App(Config(listen=LOOPBACK, cpu_budget=UNSHED))) as app:
        app.round()
    before = opened()
    with closing(App(Config(listen=LOOPBACK, cpu_budget=UNSHED))) as app:
        app.round()
    assert opened() <= before
