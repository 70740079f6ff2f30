"""Mosquitto: what was published, confirmed and delivered, by what its clients got."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.exporter.protocols.samples_messaging import mqtt, text
from tests.live.support import packages, stack
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.seen import UNSHED, settled

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
PUBLISHED = 2000
SEED = 5
PUBLISH, PUBACK, PUBREC, PUBCOMP = 3, 4, 5, 7


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    tree = packages.with_programs("mosquitto")
    port = free_port()
    (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    command = Command(
        (tree.binary("mosquitto"), "-c", folder / "mosquitto.conf"), folder / "mosquitto.log", tree.environment({})
    )
    with running(command, lambda: accepts(port)):
        yield port


class Client:
    """A session; `level` 4 is MQTT 3.1.1, 5 is MQTT 5."""

    def __init__(self, port: int, name: bytes, level: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._packets: BinaryIO = self._socket.makefile("rb")
        self.properties = b"\0" if level == 5 else b""
        self.ask(mqtt(0x10, text(b"MQTT") + bytes((level, 2, 0, 60)) + self.properties + text(name)), 2)

    def ask(self, packet: bytes, answer: int) -> None:
        """Send a packet and read until one of the kind that answers it."""
        self._socket.sendall(packet)
        while self.read() != answer:
            pass

    def send(self, packet: bytes) -> None:
        self._socket.sendall(packet)

    def read(self) -> int:
        """Read a packet and return its kind."""
        first, size, shift = self._packets.read(1)[0], 0, 0
        while True:
            byte = self._packets.read(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        self._packets.read(size)
        return first >> 4

    def close(self) -> None:
        self._socket.sendall(mqtt(0xE0))
        self._packets.close()
        self._socket.close()


def publish(client: Client, chance: random.Random) -> None:
    for number in range(PUBLISHED):
        quality, identifier = chance.randrange(3), (number % 60_000 + 1).to_bytes(2, "big")
        body = (
            text(b"shop/orders") + (identifier if quality else b"") + client.properties + b"x" * chance.randrange(400)
        )
        packet = mqtt(0x30 | quality << 1, body)
        if quality == 0:
            client.send(packet)
        elif quality == 1:
            client.ask(packet, PUBACK)
        else:
            client.ask(packet, PUBREC)
            client.ask(mqtt(0x62, identifier), PUBCOMP)


@pytest.mark.parametrize("level", [4, 5])
def test_published_and_delivered_are_the_clients_own_counts(tmp_path: Path, level: int) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, mosquitto(tmp_path) as port:
        listener, publisher = Client(port, b"listener", level), Client(port, b"publisher", level)
        listener.ask(mqtt(0x82, b"\0\1" + listener.properties + text(b"shop/#") + b"\0"), 9)
        publish(publisher, random.Random(SEED))
        delivered = 0
        while delivered < PUBLISHED:
            delivered += listener.read() == PUBLISH
        publisher.close()
        listener.close()
        seen = settled(
            exporter, port, lambda seen: seen.total("larimar_messages_total", operation="deliver") >= PUBLISHED
        )
    assert seen.by("operation", "larimar_messages_total", messaging_system="mqtt") == {
        "publish": PUBLISHED,
        "deliver": PUBLISHED,
    }
    assert seen.total("larimar_request_errors_total", protocol="mqtt") == 0
