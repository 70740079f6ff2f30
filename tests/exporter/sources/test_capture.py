"""Capturing several interfaces, where that is permitted; what is said where it is not."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from exporter.net.engine import Engine
from exporter.services.plans import Spent
from exporter.services.sampling import Sampling
from exporter.sources.capture import LEAST_RING_BYTES, Capture
from exporter.sources.errors import SourceError
from exporter.sources.governed import WAITING_FULLNESS, Clocks, GovernedCapture
from exporter.sources.source import CaptureStats
from tests.exporter.net.packets import Opened
from tests.live.support.namespace import own_loopback

MEMORY_BYTES = 16 << 20
WAIT_SECONDS = 10.0
RUSH_BYTES = 16 << 20
UNPRIVILEGED = """
from exporter.sources.capture import Capture
from exporter.sources.errors import SourceError
try:
    Capture((), 2048, 1 << 24)
except SourceError as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def _alone_on_loopback() -> Iterator[None]:
    """Keep the traffic and the interfaces of other tests away, where that is permitted."""
    with own_loopback():
        yield


def open_capture(*interfaces: str, memory_bytes: int = MEMORY_BYTES) -> Capture:
    """Open a capture, or skip the test and say why."""
    try:
        return Capture(interfaces, 2048, memory_bytes)
    except SourceError as error:
        pytest.skip(str(error))


def until(condition: Callable[[], bool]) -> None:
    """Wait for the condition."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline


@pytest.fixture
def veth() -> Iterator[str]:
    """The name of a network interface that the test may make and that is removed afterwards."""
    name = f"larimar{os.getpid() % 10_000}"
    ip = shutil.which("ip")
    if ip is None or subprocess.run([ip, "link", "add", name, "type", "veth"], check=False).returncode:
        pytest.skip("no network interface can be made: needs ip(8) and CAP_NET_ADMIN")
    yield name
    subprocess.run([ip, "link", "del", name], capture_output=True, check=False)


@pytest.mark.live
def test_traffic_on_loopback_reaches_the_engine() -> None:
    opened = Opened()
    engine = Engine(opened)
    with closing(open_capture()) as capture, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hello")

            def arrived() -> bool:
                capture.drain(engine)
                return any(consumer.flow.server.port == port for consumer in opened.consumers)

            until(arrived)
        stats = capture.stats()
    assert stats.packets >= 3
    assert stats.interfaces >= 1


@pytest.mark.live
@pytest.mark.parametrize("method", ["bpf", "ring"])
def test_the_kind_of_ring_can_be_asked_for(method: str) -> None:
    try:
        capture = Capture(("lo",), 2048, MEMORY_BYTES, method=method)
    except SourceError as error:
        pytest.skip(str(error))
    with closing(capture):
        assert capture.stats().method == method


def test_a_bpf_ring_without_the_filter_that_writes_it_is_an_error() -> None:
    with pytest.raises(SourceError, match="a BPF ring needs the eBPF filter, which is not in use: asked for"):
        Capture(("lo",), 2048, MEMORY_BYTES, filters="classic", method="bpf")


@pytest.mark.live
def test_a_rush_ends_the_wait_for_the_next_drain() -> None:
    now, engine = time.monotonic, Engine(Opened())
    clocks = Clocks(now, time.time_ns, lambda: Spent(0.0, 0.0))
    with closing(open_capture("lo")) as capture, socket.create_server(("127.0.0.1", 0)) as listener:
        governed = GovernedCapture(capture, engine, Sampling(), 1.0, clocks, lambda: 0.5)
        governed.drain()
        with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as server:
            reading = threading.Thread(target=lambda: [*iter(lambda: server.recv(1 << 20), b"")])
            reading.start()
            sending = threading.Thread(target=client.sendall, args=(bytes(RUSH_BYTES),))
            began = now()
            sending.start()
            governed.wait(WAIT_SECONDS, threading.Event())
            woken = now() - began
            sending.join()
            client.shutdown(socket.SHUT_WR)
            reading.join()
        assert capture.fullness() >= WAITING_FULLNESS
    assert woken < WAIT_SECONDS / 2


@pytest.mark.live
def test_interfaces_are_followed_as_they_come_and_go(veth: str) -> None:
    with closing(open_capture()) as capture:
        before = capture.stats()
        subprocess.run(["ip", "link", "set", veth, "up"], check=True)
        capture.refresh()
        assert capture.stats().interfaces == before.interfaces + 1
        subprocess.run(["ip", "link", "del", veth], check=True)
        capture.refresh()
        assert capture.stats().interfaces == before.interfaces
        assert capture.stats().packets >= before.packets


@pytest.mark.live
def test_memory_that_is_used_up_refuses_further_interfaces(veth: str) -> None:
    subprocess.run(["ip", "link", "set", veth, "up"], check=True)
    with closing(open_capture("lo", veth, memory_bytes=2 * LEAST_RING_BYTES)) as capture:
        assert (capture.stats().interfaces, capture.stats().refused) == (1, 1)


@pytest.mark.live
def test_only_the_named_interfaces_are_captured() -> None:
    with closing(open_capture("lo")) as capture:
        assert capture.stats().interfaces == 1


def test_a_name_that_no_interface_has_is_told() -> None:
    with pytest.raises(SourceError, match="no interface to capture is up: larimar-none"):
        Capture(("larimar-none",), 2048, MEMORY_BYTES)


def test_the_missing_capability_is_named() -> None:
    # Imports come before the privileges go, so that the checkout need not be readable for everybody.
    program = "import os, sys\nimport exporter.sources.capture\n" + (
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n" if os.getuid() == 0 else ""
    )
    run = subprocess.run([sys.executable, "-c", program + UNPRIVILEGED], capture_output=True, text=True, check=True)
    if not run.stdout:
        pytest.skip("this account may capture without being root")
    assert "CAP_NET_RAW is missing" in run.stdout
    assert run.stderr == "", "the error says all; a line for each interface says nothing more"


def test_nothing_is_counted_before_anything_is_captured() -> None:
    assert CaptureStats() == CaptureStats(0, 0, 0, 0)
