"""Capture by scapy's own socket."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from exporter.net.engine import Engine
from exporter.sources.errors import SourceError
from exporter.sources.sniff import Sniffer
from tests.exporter.net.packets import Opened


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
    for _ in range(20):
        if not sniffer.drain(engine):
            break
    mine = [consumer for consumer in opened.consumers if consumer.flow.server.port == port]
    assert [(consumer.bytes(0), consumer.bytes(1)) for consumer in mine] == [(b"ask", b"answer")]


def test_an_interface_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SourceError, match="scapy cannot capture on nowhere0"):
        Sniffer("nowhere0")


def test_scapy_is_not_imported_before_it_is_used() -> None:
    code = "import sys, exporter.sources.sniff; sys.exit('scapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
