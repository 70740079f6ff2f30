"""What goes over a real pair of interfaces is captured whatever it is wrapped in, tags in auxiliary data included."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from exporter.model import Flow
from exporter.net.engine import Engine
from exporter.net.stream import Failure
from exporter.sources.capture import Capture
from exporter.sources.errors import SourceError
from tests.exporter.net.packets import Opened, tcp
from tests.exporter.net.test_connections import block
from tests.pcaps.mangle import EXACT, Captured

MEMORY_BYTES = 8 << 20
WAIT_SECONDS = 10.0
PLACES = {name: number for number, name in enumerate(EXACT)}
SYN, SYN_ACK, ACK = 2, 18, 16


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[str, str]]:
    """Two interfaces that are each other's far end, made for the tests and removed afterwards."""
    names = f"larv{os.getpid() % 10_000}a", f"larv{os.getpid() % 10_000}b"
    ip = shutil.which("ip")
    command = ["link", "add", names[0], "type", "veth", "peer", "name", names[1]]
    if ip is None or subprocess.run([ip, *command], capture_output=True, check=False).returncode:
        pytest.skip("no pair of network interfaces can be made: needs ip(8), veth and CAP_NET_ADMIN")
    try:
        for name in names:
            subprocess.run([ip, "link", "set", name, "up"], check=True)
        yield names
    finally:
        subprocess.run([ip, "link", "del", names[0]], capture_output=True, check=False)


@pytest.fixture(scope="module")
def capture(pair: tuple[str, str]) -> Iterator[Capture]:
    try:
        opened = Capture((pair[1],), 2048, MEMORY_BYTES)
    except SourceError as error:
        pytest.skip(str(error))
    with closing(opened):
        yield opened


def conversation(port: int) -> list[Captured]:
    """Return a connection's packets: an opening, a question, an answer."""
    client, server = ("10.0.0.1", port), ("10.0.0.2", 8080)
    frames = [
        tcp(client, server, 99, b"", SYN),
        tcp(server, client, 499, b"", SYN_ACK, 100),
        tcp(client, server, 100, b"ask" * 300, ACK, 500),
        tcp(server, client, 500, b"answer" * 150, ACK, 1000),
    ]
    return [Captured(frame, len(frame), number * 1_000_000) for number, frame in enumerate(frames)]


@pytest.mark.live
@pytest.mark.parametrize("mangle", EXACT)
def test_a_connection_is_captured(pair: tuple[str, str], capture: Capture, mangle: str) -> None:
    port = 40_000 + PLACES[mangle]
    opened = Opened()
    engine = Engine(opened)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((pair[0], 0))
        for packet in EXACT[mangle](conversation(port)):
            sender.send(packet.frame)
    deadline = time.monotonic() + WAIT_SECONDS
    while not any(consumer.bytes(1) for consumer in opened.consumers if consumer.flow.client.port == port):
        assert time.monotonic() < deadline, engine.counters()
        capture.drain(engine)
    (consumer,) = [consumer for consumer in opened.consumers if consumer.flow.client.port == port]
    assert consumer.flow.server.port == 8080
    assert (consumer.bytes(0), consumer.bytes(1)) == (b"ask" * 300, b"answer" * 150)


@pytest.fixture
def tagged(pair: tuple[str, str]) -> Iterator[str]:
    """An interface for what has the tag 5 on one of the pair."""
    name = f"{pair[1]}.5"
    command = ["ip", "link", "add", "link", pair[1], "name", name, "type", "vlan", "id", "5"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no interface for a VLAN can be made: needs 8021q")
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    yield name
    subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)


def seen_once(pair: tuple[str, str], interfaces: tuple[str, ...], frames: list[Captured], port: int) -> None:
    """Send the frames, and have them captured by several interfaces that each sees."""
    repetitions = Repetitions()
    opened = Opened()
    engine = Engine(opened, watcher=repetitions)
    try:
        everywhere = Capture(interfaces, 2048, MEMORY_BYTES)
    except SourceError as error:
        pytest.skip(str(error))
    with closing(everywhere), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((pair[0], 0))
        for packet in frames:
            sender.send(packet.frame)
        deadline = time.monotonic() + WAIT_SECONDS
        while engine.counters().segments < len(interfaces) * len(frames):
            assert time.monotonic() < deadline, engine.counters()
            everywhere.drain(engine)
    (consumer,) = [consumer for consumer in opened.consumers if consumer.flow.client.port == port]
    assert (consumer.bytes(0), consumer.bytes(1)) == (b"ask" * 300, b"answer" * 150)
    assert repetitions.told == 0


class Repetitions:
    """Counts what the network is said to have repeated."""

    def __init__(self) -> None:
        self.told = 0

    def connected(self, flow: Flow, handshake: int, at: int) -> None:
        """Take no note."""

    def failed(self, flow: Flow, failure: Failure, at: int) -> None:
        """Take no note."""

    def retransmitted(self, flow: Flow, direction: int, at: int) -> None:
        """Count it."""
        self.told += 1


@pytest.mark.live
def test_what_both_ends_of_a_pair_see_is_counted_once(pair: tuple[str, str]) -> None:
    seen_once(pair, pair, conversation(41_000), 41_000)


@pytest.mark.live
def test_what_a_vlan_and_the_device_below_see_is_counted_once(pair: tuple[str, str], tagged: str) -> None:
    frames = [
        Captured(packet.frame[:12] + b"\x81\x00\x00\x05" + packet.frame[12:], packet.wire + 4, packet.at)
        for packet in conversation(41_001)
    ]
    seen_once(pair, (pair[1], tagged), frames, 41_001)


def test_what_the_rings_of_a_vlan_and_the_device_below_hold_is_counted_once() -> None:
    repetitions = Repetitions()
    opened = Opened()
    engine = Engine(opened, watcher=repetitions)
    plain = [(packet.frame, packet.at) for packet in conversation(41_003)]
    tagged = [(frame[:12] + b"\x81\x00\x00\x05" + frame[12:], at + 900) for frame, at in plain]
    for ring in (plain[:2], tagged[:3], plain[2:], tagged[3:]):  # the later rings may hold later packets
        memory = block(ring)
        assert engine.block(memory, 0, len(memory)) == len(ring)
    assert (opened.only.bytes(0), opened.only.bytes(1)) == (b"ask" * 300, b"answer" * 150)
    assert repetitions.told == 0
