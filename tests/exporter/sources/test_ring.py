"""The ring on the real loopback interface, where that is permitted."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from exporter.model import Endpoint
from exporter.net.engine import Engine
from exporter.net.stream import End
from exporter.sources.classicfilter import Snap
from exporter.sources.errors import SourceError
from exporter.sources.interfaces import LINK_ETHERNET, Interface, interfaces_up
from exporter.sources.ring import BLOCK_BYTES, Ring
from tests.exporter.net.packets import Consumer, Opened

LOOPBACK = Interface("lo", socket.if_nametoindex("lo"), True, LINK_ETHERNET)
WAIT_SECONDS = 10.0


@pytest.fixture
def ring() -> Iterator[Ring]:
    """A ring on loopback that copies packets to 3,000 bytes whole, of longer ones 200."""
    try:
        opened = Ring(LOOPBACK, Snap(3000, 200), 4 * BLOCK_BYTES)
    except SourceError as error:
        pytest.skip(str(error))
    with closing(opened):
        yield opened


def exchange(port_family: socket.AddressFamily, request: bytes, response: bytes) -> int:
    """Send a request and a response over one loopback connection; return the server's port."""
    host = "127.0.0.1" if port_family == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=port_family) as listener:
        port = int(listener.getsockname()[1])
        with socket.create_connection((host, port)) as client:
            server, _ = listener.accept()
            with server:
                client.sendall(request)
                assert server.recv(len(request), socket.MSG_WAITALL) == request
                server.sendall(response)
                assert client.recv(len(response), socket.MSG_WAITALL) == response
    return port


def watch(ring: Ring, opened: Opened, engine: Engine, port: int, done: Callable[[Consumer], bool]) -> Consumer:
    """Drain the ring until the connection to `port` is as far as `done` asks; return its consumer."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        ring.drain(engine)
        for consumer in opened.consumers:
            if consumer.flow.server.port == port and done(consumer):
                return consumer
    raise AssertionError(f"not seen within {WAIT_SECONDS} s: {engine.counters()}")


@pytest.mark.live
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_each_byte_on_loopback_is_seen_once(ring: Ring, family: socket.AddressFamily) -> None:
    opened = Opened()
    engine = Engine(opened)
    before = time.time_ns()
    port = exchange(family, b"question", b"answer" * 100)
    consumer = watch(ring, opened, engine, port, lambda consumer: consumer.ended is not None)
    assert (consumer.bytes(0), consumer.bytes(1)) == (b"question", b"answer" * 100)
    assert consumer.flow.sure
    assert consumer.flow.server == Endpoint("127.0.0.1" if family == socket.AF_INET else "::1", port)
    assert consumer.ended in (End.CLOSED, End.RESET)
    assert before <= consumer.calls[0][3] <= time.time_ns()


@pytest.mark.live
def test_of_long_packets_the_head_is_copied_and_the_rest_counted(ring: Ring) -> None:
    opened = Opened()
    engine = Engine(opened)
    port = exchange(socket.AF_INET, b"x" * 2000, b"y" * 50_000)
    consumer = watch(ring, opened, engine, port, lambda consumer: consumer.ended is not None)
    assert consumer.bytes(0) == b"x" * 2000
    assert len(consumer.bytes(1)) == 50_000
    assert 0 < consumer.bytes(1).count(b"y") < 10_000


@pytest.mark.live
def test_a_ring_that_is_not_drained_drops_and_says_so(ring: Ring) -> None:
    for _ in range(2000):
        exchange(socket.AF_INET, b"x" * 2500, b"y" * 2500)
        if ring.stats().dropped:
            break
    assert ring.stats().dropped > 0
    engine = Engine(Opened())
    assert ring.drain(engine).packets > 0
    opened = Opened()
    port = exchange(socket.AF_INET, b"after", b"wards")
    watch(ring, opened, Engine(opened), port, lambda consumer: consumer.bytes(1) == b"wards")


@pytest.mark.live
def test_an_interface_that_is_gone_is_an_error(ring: Ring) -> None:
    del ring
    with pytest.raises(SourceError, match="no ring on interface larimar-none"):
        Ring(Interface("larimar-none", 9999, False, LINK_ETHERNET), Snap(100, 100), BLOCK_BYTES)


def test_loopback_is_among_the_interfaces_that_are_up() -> None:
    up = interfaces_up()
    assert up[0] == LOOPBACK
    assert len({interface.index for interface in up}) == len(up)
