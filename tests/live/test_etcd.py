"""etcd over gRPC, asked by its own gateway's HTTP and by etcdctl, by its own metrics."""

import base64
import http.client
import json
import math
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from quickstart.debian import Tree
from tests.live.support import packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.processes import Command, free_port, running
from tests.live.support.seen import UNSHED
from tests.live.support.stopwatch import Stopwatch

pytestmark = [pytest.mark.long, pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
PUTS, BY_TOOL, REFUSED = 800, 30, 12
HANDLED = re.compile(r'^grpc_server_handled_total{grpc_code="(\w+)".*grpc_type="unary"} (\d+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Store:
    """A running etcd."""

    tree: Tree
    port: int

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    def handled(self) -> dict[str, int]:
        """Return how many calls it ended, by their status."""
        codes: dict[str, int] = {}
        for code, count in HANDLED.findall(requests.get(f"{self.url}/metrics", timeout=10).text):
            codes[code] = codes.get(code, 0) + int(count)
        return codes

    def mean_put_seconds(self) -> float:
        """Return how long it itself worked for a put."""
        page = requests.get(f"{self.url}/metrics", timeout=10).text
        total, count = (
            float(re.findall(rf'handling_seconds_{which}{{grpc_method="Put",.*}} (.*)', page)[0])
            for which in ("sum", "count")
        )
        return total / count

    def control(self, *arguments: str) -> bool:
        """Run etcdctl; return whether it succeeded."""
        command = [str(self.tree.binary("etcdctl")), f"--endpoints={self.url}", *arguments]
        environment = self.tree.environment({"ETCDCTL_API": "3"})
        return subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False).returncode == 0


@contextmanager
def etcd(folder: Path) -> Iterator[Store]:
    """Run a cluster of one."""
    tree = packages.with_programs("etcd", "etcdctl")
    port, peers = sorted((free_port(), free_port()))
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    options = {
        "data-dir": folder / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "logger": "zap",
        "unsafe-no-fsync": "true",
        "metrics": "extensive",
    }
    command = Command(
        (tree.binary("etcd"), *(f"--{name}={value}" for name, value in options.items())),
        folder / "etcd.log",
        tree.environment({}),
    )

    def healthy() -> bool:
        try:
            return bool(json.loads(requests.get(f"{client}/health", timeout=5).text)["health"] == "true")
        except (requests.RequestException, ValueError):
            return False

    with running(command, healthy):
        yield Store(tree, port)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def put(store: Store, watch: Stopwatch) -> None:
    """Ask the gateway, which asks the server over gRPC."""
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)
    value = encoded("x" * 200_000)
    for number in range(PUTS):
        body = json.dumps({"key": encoded(f"k{number % 20}"), "value": value}).encode()
        with watch.lap():
            connection.request("POST", "/v3/kv/put", body)
            connection.getresponse().read()
    connection.close()


def test_calls_equal_its_own_metrics(tmp_path: Path) -> None:
    watch = Stopwatch()
    with stack.exporter(tmp_path, *UNSHED) as exporter, etcd(tmp_path) as store:
        before = store.handled()
        put(store, watch)
        for number in range(BY_TOOL):
            assert store.control("put", f"tool/{number}", "value")
            assert store.control("get", f"tool/{number}")
        for _ in range(REFUSED):
            assert not store.control("role", "get", "nobody")
        after = store.handled()
        codes = {code: count - before.get(code, 0) for code, count in after.items() if count - before.get(code, 0)}
        calls, errors = sum(codes.values()), sum(codes.values()) - codes["OK"]
        own = Counted(calls, errors, math.nan)
        seen = assert_agrees(exporter, store.port, Known("etcd", "grpc", own, lasting=False))
        # Beside the gateway's there are this test's own looks at etcd's health and metrics.
        by_gateway = Counted(round(seen.total("larimar_requests_total", protocol="http")), 0, watch.median_seconds)
        assert_agrees(exporter, store.port, Known("etcd", "http", by_gateway))
        handling = store.mean_put_seconds()
    assert errors == REFUSED
    assert by_gateway.requests == pytest.approx(PUTS, rel=0.01)
    assert seen.edges("grpc")["etcd"] == pytest.approx(PUTS, rel=0.01)  # the gateway asks the server
    took = seen.total("larimar_request_duration_seconds_sum", protocol="grpc")
    timed = seen.total("larimar_request_duration_seconds_count", protocol="grpc")
    assert handling < took / timed < watch.mean_seconds
