"""Connections that come about, and those that do not: a server that died, and an address that swallows everything."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from quickstart.debian import Tree
from tests.live.support import servers, stack
from tests.live.support.namespace import BLACK_HOLE, alone
from tests.live.support.seen import UNSHED
from tests.live.support.stack import Process
from tests.live.support.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]

PATIENCE_SECONDS = 40.0  # an attempt is given up after ten, and its ends after five more
OPENED, REFUSED, SWALLOWED = 5, 20, 3


@pytest.fixture(autouse=True)
def apart(capturing: None) -> Iterator[None]:
    with alone():
        yield


def edges(exporter: Process, name: str, **labels: str) -> dict[tuple[str, str], float]:
    """Return a metric of edges by client and server, zeros left out."""
    return {
        (sample.labels["client"], sample.labels["server"]): sample.value
        for family in text_string_to_metric_families(exporter.page())
        for sample in family.samples
        if sample.name == name and sample.value and labels.items() <= sample.labels.items()
    }


def services(exporter: Process, name: str, **labels: str) -> dict[str, float]:
    """Return a metric by service, zeros left out."""
    return {
        sample.labels["service_name"]: sample.value
        for family in text_string_to_metric_families(exporter.page())
        for sample in family.samples
        if sample.name == name and sample.value and labels.items() <= sample.labels.items()
    }


def ping(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"PING\r\n")
    assert connection.recv(100) == b"+PONG\r\n"
    return connection


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_connections_and_failures_are_told_per_service_and_edge(tree: Tree, tmp_path: Path) -> None:
    with ExitStack() as opened_parts:
        redis = opened_parts.enter_context(servers.redis(tree, tmp_path / "redis"))
        exporter = opened_parts.enter_context(stack.exporter(tmp_path, *UNSHED))
        swallowed = [opened_parts.enter_context(socket.socket()) for _ in range(SWALLOWED)]
        until(lambda: f'{{port="{redis.port}"' in exporter.page(), PATIENCE_SECONDS, "the server was not seen")
        opened = [ping(redis.port) for _ in range(OPENED)]
        until(lambda: OPENED in edges(exporter, "larimar_edge_connects_total").values(), PATIENCE_SECONDS, "no edge")
        edge = next(ends for ends, count in edges(exporter, "larimar_edge_connects_total").items() if count == OPENED)
        client, server = edge
        assert services(exporter, "larimar_tcp_accepts_total")[server] == OPENED
        # A look may catch this process asking the exporter for its page, which the edge leaves out.
        assert services(exporter, "larimar_tcp_connects_total")[client] >= OPENED
        handshakes = services(exporter, "larimar_tcp_handshake_seconds_count", role="client")
        assert handshakes[client] >= OPENED
        assert edges(exporter, "larimar_edge_handshake_seconds_count")[edge] == OPENED
        assert 0 < edges(exporter, "larimar_edge_handshake_seconds_sum")[edge] < OPENED

        for connection in swallowed:
            connection.setblocking(False)
            connection.connect_ex((BLACK_HOLE, 9))
        redis.child.end()
        for connection in opened:
            connection.close()
        until(lambda: f'{{port="{redis.port}"' not in exporter.page(), PATIENCE_SECONDS, "the server did not go")
        assert all(refused(redis.port) for _ in range(REFUSED))
        failures = "larimar_edge_connect_failures_total"
        until(
            lambda: (
                edges(exporter, failures, reason="refused").get(edge) == REFUSED
                and edges(exporter, failures, reason="unanswered").get((client, "~external")) == SWALLOWED
            ),
            PATIENCE_SECONDS,
            lambda: f"of {edge} are told: {edges(exporter, failures)}",
        )
        failed = services(exporter, "larimar_tcp_connect_failures_total", role="client", reason="unanswered")
        assert failed[client] == SWALLOWED
        by_server = services(exporter, "larimar_tcp_connect_failures_total", role="server", reason="refused")
        assert by_server[server] == REFUSED
