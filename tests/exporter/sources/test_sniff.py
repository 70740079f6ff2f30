"""Capture by scapy's own socket."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from exporter.net.engine import Engine
from exporter.sources.classicfilter import ALL
from exporter.sources.errors import SourceError
from exporter.sources.packets import open_packets
from exporter.sources.sniff import METHOD, SniffedCapture, Sniffer
from exporter.sources.source import CaptureStats
from tests.exporter.net.packets import Consumer, Opened


@pytest.fixture
def sniffer() -> Iterator[Sniffer]:
    try:
        opened = Sniffer("lo")
    except SourceError as error:
        pytest.skip(str(error))
    yield opened
    opened.close()


def test_what_goes_over_loopback_is_delivered(sniffer: Sniffer) -> None:
    opened = Opened()
    engine = Engine(opened)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = listener.accept()
            with served:
                client.sendall(b"ask")
                assert served.recv(10) == b"ask"
                served.sendall(b"answer")
                assert client.recv(10) == b"answer"

    def mine() -> list[Consumer]:
        return [consumer for consumer in opened.consumers if consumer.flow.server.port == port]

    while sniffer.drain(engine) and not any(consumer.bytes(1) for consumer in mine()):
        pass  # neighbours on loopback may never be silent
    assert [(consumer.bytes(0), consumer.bytes(1)) for consumer in mine()] == [(b"ask", b"answer")]


def test_an_interface_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SourceError, match="scapy cannot capture on nowhere0"):
        Sniffer("nowhere0")


def test_no_interface_to_capture_is_an_error() -> None:
    with pytest.raises(SourceError, match="no interface to capture is up: nowhere0"):
        SniffedCapture(("nowhere0",))


def exchange() -> int:
    """Send a byte over a loopback connection; return the server's port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"x")
        return int(listener.getsockname()[1])


def test_where_there_is_no_ring_scapy_takes_its_place_by_itself(sniffer: Sniffer) -> None:
    del sniffer  # says whether scapy may capture here
    with closing(open_packets("auto", ("lo",), 2048, 1 << 24, has_rings=False)) as capture:
        assert capture.stats() == CaptureStats(interfaces=1, method=METHOD)


def test_nothing_is_captured_while_it_is_paused(sniffer: Sniffer) -> None:
    opened = Opened()
    engine = Engine(opened)
    with closing(SniffedCapture(("lo",))) as capture:
        capture.pause()
        unseen = exchange()
        capture.resume(ALL)
        seen = exchange()
        while capture.drain(engine).packets:
            pass
        assert capture.stats().packets > 0
    ports = {consumer.flow.server.port for consumer in opened.consumers}
    assert seen in ports
    assert unseen not in ports


def test_scapy_is_not_imported_before_it_is_used() -> None:
    code = "import sys, exporter.sources.sniff; sys.exit('scapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
