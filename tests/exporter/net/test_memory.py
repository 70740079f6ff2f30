"""What the packet path keeps: no payload that was parsed, and no more than its budget however many ask."""

import gc
import random
import resource
import socket
import struct

import pytest

from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.services.endpoints import Endpoints
from tests.exporter.net.packets import ACK, CLIENT, PSH, SERVER, SYN, Opened, tcp

MARKER = b"correct-horse-battery-staple"
START = 1_700_000_000 * 10**9


def holders(marker: bytes) -> int:
    """Return how many bytes and texts hold more than the marker itself, wherever a container refers to them."""
    count = 0
    for container in gc.get_objects():
        waiting = gc.get_referents(container)
        while waiting:
            held = waiting.pop()
            if isinstance(held, bytes | bytearray):
                count += len(held) > len(marker) and marker in held
            elif isinstance(held, str):
                count += len(held) > len(marker) and marker.decode() in held
            elif isinstance(held, tuple | dict) and not gc.is_tracked(held):  # of which gc.get_objects tells nothing
                waiting += gc.get_referents(held)
    return count


def exchange(engine: Engine, port: int, request: bytes, response: bytes) -> None:
    """Send one request and its response over a connection of their own."""
    client = (CLIENT[0], port)
    for frame in (
        tcp(client, SERVER, 0, flags=SYN),
        tcp(SERVER, client, 0, flags=SYN | ACK, ack=1),
        tcp(client, SERVER, 1, request, PSH | ACK, 1),
        tcp(SERVER, client, 1, response, PSH | ACK, 1 + len(request)),
    ):
        engine.frame(frame, 1, len(frame), START)


def talk(engine: Engine) -> None:
    """Send the marker by each protocol."""
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nContent-Length: %d\r\n\r\n"
    request = head % (MARKER, len(MARKER)) + MARKER
    exchange(engine, 40001, request, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    exchange(engine, 40002, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n" % (len(MARKER), MARKER), b"+OK\r\n")
    query = b"select '" + MARKER + b"'\0"
    start = struct.pack("!II", 8 + 13, 196608) + b"user\0tester\0\0"
    ready = b"R" + struct.pack("!II", 8, 0) + b"Z" + struct.pack("!I", 5) + b"I"
    exchange(engine, 40003, start + b"Q" + struct.pack("!I", 4 + len(query)) + query, ready)


def test_no_payload_is_kept_after_its_message_was_parsed() -> None:
    endpoints = Endpoints()
    engine = Engine(Conversations(endpoints, PROTOCOLS))
    before = holders(MARKER)
    talk(engine)
    assert sum(row.requests for row in endpoints.rows.values()) >= 2
    assert holders(MARKER) == before
    engine.close(START)


def test_a_consumer_that_keeps_payload_would_be_noticed() -> None:
    before = holders(MARKER)
    opened = Opened()
    talk(Engine(opened))
    assert holders(MARKER) >= before + 3
    assert len(opened.consumers) == 3


def flood(engine: Engine, count: int, seed: int = 1) -> None:
    """Send SYNs from so many random sources."""
    dice = random.Random(seed)
    syn = bytearray(tcp(("10.0.0.1", 1), SERVER, 0, flags=SYN))
    for number in range(count):
        struct.pack_into("!I", syn, 26, dice.getrandbits(32))
        struct.pack_into("!H", syn, 34, dice.randrange(1024, 65536))
        struct.pack_into("!I", syn, 38, dice.getrandbits(32))
        engine.frame(bytes(syn), 1, len(syn), START + number * 1000)


def flooded(count: int) -> None:
    """Hold a flood to the bounds."""
    opened = Opened()
    engine = Engine(opened, max_flows=20_000)
    established = [("10.9.0.1", 2000 + number) for number in range(1000)]
    for client in established:
        for frame in (tcp(client, SERVER, 0, flags=SYN), tcp(client, SERVER, 1, b"x", ack=1)):
            engine.frame(frame, 1, len(frame), START)
    flood(engine, 30_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    flood(engine, count, 2)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for client in established:
        frame = tcp(client, SERVER, 2, b"y", ack=1)
        engine.frame(frame, 1, len(frame), START + 10**9)
    assert [consumer.bytes(0) for consumer in opened.consumers] == [b"xy"] * 1000
    assert after - before < 4096  # KiB
    assert engine.counters().flows_active <= 20_000


def test_a_flood_neither_grows_memory_nor_starves_the_established() -> None:
    flooded(50_000)


@pytest.mark.long
def test_a_flood_of_a_million_sources_does_not_either() -> None:
    flooded(1_000_000)


def test_addresses_are_told_in_text() -> None:
    opened = Opened()
    engine = Engine(opened)
    frame = tcp(("203.0.113.255", 65535), SERVER, 1, b"x")
    engine.frame(frame, 1, len(frame), START)
    assert socket.inet_aton(opened.only.flow.client.address) == bytes([203, 0, 113, 255])
