"""What goes over a real pair of interfaces is captured whatever it is wrapped in, tags in auxiliary data included."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from exporter.net.engine import Engine
from exporter.sources.capture import Capture
from exporter.sources.errors import SourceError
from tests.exporter.net.packets import Opened, tcp
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
