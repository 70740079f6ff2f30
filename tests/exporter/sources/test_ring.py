"""Rings of both kinds on the real loopback interface, where that is permitted."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import cycle

import pytest

from exporter.model import Endpoint
from exporter.net.engine import Engine
from exporter.net.stream import End
from exporter.sources.bpfring import BpfRing
from exporter.sources.classicfilter import Snap
from exporter.sources.errors import SourceError
from exporter.sources.filters import AUTO, Filters
from exporter.sources.interfaces import LINK_ETHERNET, Interface, interfaces_up
from exporter.sources.ring import BLOCK_BYTES, Ring
from exporter.sources.rings import PacketRing
from tests.exporter.net.packets import Consumer, Opened
from tests.live.support.namespace import own_loopback

LOOPBACK = Interface("lo", socket.if_nametoindex("lo"), True, LINK_ETHERNET)
WAIT_SECONDS = 10.0


@pytest.fixture(autouse=True)
def _alone_on_loopback() -> Iterator[None]:
    """Keep the traffic and the interfaces of other tests away, where that is permitted."""
    with own_loopback():
        yield


Opening = Callable[[Interface], PacketRing]
SNAP, SIZE_BYTES = Snap(3000, 200), 4 * BLOCK_BYTES


@pytest.fixture(params=["bpf", "ring"])
def opening(request: pytest.FixtureRequest) -> Iterator[Opening]:
    """Opens rings of one kind, which copy packets to 3,000 bytes whole, of longer ones 200."""
    with ExitStack() as opened:

        def packet_ring(interface: Interface) -> PacketRing:
            return opened.enter_context(closing(Ring(interface, SNAP, SIZE_BYTES)))

        def bpf_ring(interface: Interface) -> PacketRing:
            filters = opened.enter_context(closing(Filters(AUTO)))
            if not filters.is_ebpf:
                pytest.skip(f"no eBPF filter: {filters.status().reason}")
            return opened.enter_context(closing(BpfRing(interface, SNAP, SIZE_BYTES, filters)))

        yield bpf_ring if request.param == "bpf" else packet_ring


@pytest.fixture
def ring(opening: Opening) -> PacketRing:
    """A ring on loopback."""
    try:
        return opening(LOOPBACK)
    except SourceError as error:
        pytest.skip(str(error))


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


def watch(ring: PacketRing, opened: Opened, engine: Engine, port: int, done: Callable[[Consumer], bool]) -> Consumer:
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
def test_each_byte_on_loopback_is_seen_once(ring: PacketRing, family: socket.AddressFamily) -> None:
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
def test_of_long_packets_the_head_is_copied_and_the_rest_counted(ring: PacketRing) -> None:
    opened = Opened()
    engine = Engine(opened)
    port = exchange(socket.AF_INET, b"x" * 2000, b"y" * 50_000)
    consumer = watch(ring, opened, engine, port, lambda consumer: consumer.ended is not None)
    assert consumer.bytes(0) == b"x" * 2000
    assert len(consumer.bytes(1)) == 50_000
    assert 0 < consumer.bytes(1).count(b"y") < 10_000


@pytest.mark.live
def test_a_ring_that_is_not_drained_drops_and_says_so(ring: PacketRing) -> None:
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
def test_an_interface_that_is_gone_is_an_error(ring: PacketRing, opening: Opening) -> None:
    del ring
    with pytest.raises(SourceError, match="no ring on interface larimar-none"):
        opening(Interface("larimar-none", 9999, False, LINK_ETHERNET))


@pytest.mark.live
def test_every_packet_is_read_once_however_often_the_ring_begins_anew(ring: PacketRing) -> None:
    opened = Opened()
    engine = Engine(opened)
    exchanges, size = 400, 2500  # each takes about 6 KB of a ring of 1 MB
    seen = 0
    for number in range(exchanges):
        exchange(socket.AF_INET, number.to_bytes(2, "big") * (size // 2), b"y" * size)
        if number % 50 == 49:
            seen += ring.drain(engine).packets
    deadline = time.monotonic() + WAIT_SECONDS
    while sum(consumer.ended is not None for consumer in opened.consumers) < exchanges:
        seen += ring.drain(engine).packets
        assert time.monotonic() < deadline
    while seen < ring.stats().packets:
        seen += ring.drain(engine).packets
        assert time.monotonic() < deadline
    assert ring.stats().dropped == 0
    asked = {consumer.bytes(0) for consumer in opened.consumers}
    assert {number.to_bytes(2, "big") * (size // 2) for number in range(exchanges)} <= asked


@pytest.mark.live
def test_what_waits_can_be_told_in_blocks_and_left_unread(ring: PacketRing) -> None:
    before = time.time_ns()
    exchange(socket.AF_INET, b"question", b"answer")
    engine = Engine(Opened())
    deadline = time.monotonic() + WAIT_SECONDS
    while not (blocks := ring.blocks(engine)):
        assert time.monotonic() < deadline
    after = time.time_ns()
    packets = sum(block.packets for block in blocks)
    assert packets >= 4
    assert blocks[0].begins <= blocks[-1].ends
    assert before <= blocks[-1].ends <= after
    assert blocks[0].moment is not None
    assert blocks[0].begins <= blocks[0].moment(1) <= blocks[0].ends
    assert blocks[0].begins <= ring.skip() <= after
    assert ring.drain(engine).packets == 0
    assert engine.counters().packets == 0


@pytest.mark.live
def test_what_there_is_no_time_for_is_read_next(opening: Opening) -> None:
    ring, engine = opening(LOOPBACK), Engine(Opened())
    for _ in range(100):
        exchange(socket.AF_INET, b"x" * 2500, b"y" * 2500)
    deadline = time.monotonic() + WAIT_SECONDS
    turns = cycle((True, False))
    while not (part := ring.drain(engine, lambda: next(turns))).packets:
        assert time.monotonic() < deadline
    assert 0 < part.read < part.fullness
    rest = ring.drain(engine)
    assert rest.packets > 0
    assert rest.read == pytest.approx(rest.fullness, abs=0.3)


@pytest.mark.live
def test_a_paused_ring_keeps_nothing(ring: PacketRing) -> None:
    ring.tap.pause()
    before = ring.stats().packets  # others may use the interface too
    exchange(socket.AF_INET, b"not", b"seen")
    assert ring.stats().packets == before
    ring.tap.leave()
    ring.tap.prepare()
    ring.tap.resume()
    opened = Opened()
    port = exchange(socket.AF_INET, b"after", b"wards")
    watch(ring, opened, Engine(opened), port, lambda consumer: consumer.bytes(1) == b"wards")


@pytest.mark.live
def test_an_interface_that_goes_while_it_is_captured_is_no_error(opening: Opening) -> None:
    with own_loopback() as permitted:
        if not permitted:
            pytest.skip("no network namespace to be had: needs CAP_SYS_ADMIN")
        ring = opening(LOOPBACK)
    # Nothing holds the namespace any more but what the ring itself does.
    ring.tap.cut(Snap(2000, 100))
    ring.tap.pause()
    ring.tap.resume()
    assert ring.drain(Engine(Opened())).packets == 0


@pytest.mark.live
def test_two_rings_on_one_interface_see_the_same(ring: PacketRing, opening: Opening) -> None:
    seen = [(ring, Opened()), (opening(LOOPBACK), Opened())]
    port = exchange(socket.AF_INET, b"question", b"answer")
    for one, opened in seen:
        consumer = watch(one, opened, Engine(opened), port, lambda consumer: consumer.ended is not None)
        assert (consumer.bytes(0), consumer.bytes(1)) == (b"question", b"answer")


def test_loopback_is_among_the_interfaces_that_are_up() -> None:
    up = interfaces_up()
    assert up[0] == LOOPBACK
    assert len({interface.index for interface in up}) == len(up)
