"""CPU nanoseconds per message from packets to counters, by protocol: `python -m benchmarks.messages [--json]`.

Connections of requests and responses are made here, and read as from a file by the whole path: decoding, flows,
recognition, parser, pairing, attribution, histogram and operations. A request and its response are two messages.
"""

import argparse
import io
import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address

from benchmarks.capture import medians
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.services.attribution import Attribution, Patience
from exporter.services.families import family_of
from exporter.services.traffic import Caps, Traffic
from exporter.sources.pcapfile import feed

CONNECTIONS = 50
EXCHANGES = 400  # of each connection
SYN, PSH, ACK = 2, 8, 16


@dataclass(frozen=True, slots=True)
class Talk:
    """What a connection says.

    Attributes:
        opening: the client's and the server's first words, by turns; they count as no exchange.
        asked: one segment of the client, answered by one segment of the server.
        depth: how many requests the segment holds.
    """

    port: int
    asked: bytes
    answered: bytes
    opening: tuple[bytes, ...] = ()
    depth: int = 1


def framed(kind: bytes, body: bytes) -> bytes:
    """Return a message of PostgreSQL."""
    return kind + struct.pack("!I", len(body) + 4) + body


GET, VALUE = b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n", b"$3\r\nxxx\r\n"
HTTP_HEAD = (
    b"GET /products/42?page=3 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: curl/8.5.0\r\n"
    b"Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"
)
HTTP_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nContent-Type: text/html\r\n"
    b'Content-Length: 200\r\nConnection: keep-alive\r\nETag: "5f-6"\r\n\r\n' + b"x" * 200
)
PG_STARTUP = struct.pack("!II", 27, 0x30000) + b"user\0bench\0\0" + b"\0" * 7
PG_LOGIN = framed(b"R", struct.pack("!I", 0)) + framed(b"Z", b"I")
PG_SIMPLE = framed(b"Q", b"SELECT abalance FROM pgbench_accounts WHERE aid = 42;\0")
PG_ROWS = (
    framed(b"T", b"\0\1abalance\0" + b"\0" * 18)
    + framed(b"D", b"\0\1\0\0\0\1" + b"7")
    + framed(b"C", b"SELECT 1\0")
    + framed(b"Z", b"I")
)
PG_PREPARE = framed(b"P", b"s1\0SELECT abalance FROM pgbench_accounts WHERE aid = $1\0\0\0") + framed(b"S", b"")
PG_PREPARED = framed(b"1", b"") + framed(b"Z", b"I")
PG_EXECUTE = (
    framed(b"B", b"\0s1\0\0\0\0\1\0\0\0\2" + b"42\0\0")
    + framed(b"D", b"P\0")
    + framed(b"E", b"\0\0\0\0\0")
    + framed(b"S", b"")
)
PG_EXECUTED = framed(b"2", b"") + PG_ROWS
# An order: what it adds to the cost of a message to be read for the money in it.
PG_ORDER = framed(b"Q", b"INSERT INTO orders (number, customer, total, currency) VALUES (42, 7, 19.90, 'EUR')\0")
PG_ORDERED = framed(b"C", b"INSERT 0 1\0") + framed(b"Z", b"I")
PG_STORE = framed(b"P", b"s2\0INSERT INTO orders (number, total) VALUES ($1, $2)\0\0\2" + struct.pack("!II", 20, 1700))
PG_STORED = (
    framed(b"B", b"\0s2\0\0\1\0\1\0\2\0\0\0\x08" + bytes(8) + b"\0\0\0\x0c\0\2\0\0\0\0\0\2\0\x13\x23\x28" + b"\0\0")
    + framed(b"D", b"P\0")
    + framed(b"E", b"\0\0\0\0\0")
    + framed(b"S", b"")
)
HTTP_ORDER = b'{"total": "19.90", "currency": "EUR", "items": [{"sku": "a-1", "quantity": 2, "price": "9.95"}]}'
HTTP_CHECKOUT = (
    b"POST /checkout HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(HTTP_ORDER)
) + HTTP_ORDER
HTTP_CREATED = b"HTTP/1.1 201 Created\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\n\r\n"

TALKS = {
    "redis": Talk(6379, GET, VALUE),
    "redis_pipelined": Talk(6379, GET * 16, VALUE * 16, depth=16),
    "http": Talk(80, HTTP_HEAD, HTTP_ANSWER),
    "postgresql": Talk(5432, PG_SIMPLE, PG_ROWS, (PG_STARTUP, PG_LOGIN)),
    "postgresql_prepared": Talk(5432, PG_EXECUTE, PG_EXECUTED, (PG_STARTUP, PG_LOGIN, PG_PREPARE, PG_PREPARED)),
    "http_order": Talk(80, HTTP_CHECKOUT, HTTP_CREATED),
    "postgresql_order": Talk(5432, PG_ORDER, PG_ORDERED, (PG_STARTUP, PG_LOGIN)),
    "postgresql_stored": Talk(
        *(5432, PG_STORED, framed(b"2", b"") + framed(b"n", b"") + PG_ORDERED),
        (PG_STARTUP, PG_LOGIN, PG_STORE + framed(b"S", b""), PG_PREPARED),
    ),
}


def segment(
    source: tuple[bytes, int], target: tuple[bytes, int], sequence: int, ack: int, flags: int, payload: bytes = b""
) -> bytes:
    """Return an Ethernet frame with one TCP segment, with the timestamp option's length of header."""
    header = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, ack, 0x80, flags, 512, 0, 0) + bytes([1] * 12)
    length = 20 + len(header) + len(payload)
    packet = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0x4000, 64, 6, 0) + source[0] + target[0]
    return bytes(12) + b"\x08\0" + packet + header + payload


def connection(talk: Talk, number: int) -> Iterator[bytes]:
    """Yield the frames of one connection."""
    ends = ((IPv4Address(0x0A000001).packed, 20_000 + number), (IPv4Address(0x0A000002).packed, talk.port))
    sequences = [1000, 9000]
    yield segment(*ends, 999, 0, SYN)
    yield segment(*ends[::-1], 8999, 1000, SYN | ACK)
    for turn, payload in enumerate((*talk.opening, *(talk.asked, talk.answered) * EXCHANGES)):
        side = turn % 2
        yield segment(ends[side], ends[1 - side], sequences[side], sequences[1 - side], PSH | ACK, payload)
        sequences[side] += len(payload)


def make_capture(talk: Talk) -> bytes:
    """Return a classic pcap of connections that take turns packet by packet."""
    parts = [struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for count, frames in enumerate(zip(*(connection(talk, number) for number in range(CONNECTIONS)), strict=True)):
        for frame in frames:
            at = struct.pack("<II", 1_700_000_000 + count // 10_000, count % 10_000 * 100)
            parts += at, struct.pack("<II", len(frame), len(frame)), frame
    return b"".join(parts)


def run(capture: bytes, talk: Talk) -> int:
    """Read the capture to its counters; return the number of messages.

    Raises:
        ValueError: not every exchange was found, which would make the figure worthless.
    """
    traffic = Traffic(family_of, Caps(), 3600.0)
    attribution = Attribution(traffic, Patience(seconds=0.0))
    engine = Engine(Conversations(attribution, PROTOCOLS))
    feed(io.BytesIO(capture), engine)
    found = sum(account.held.requests for account in list(attribution.unsettled()) if account.held is not None)
    expected = CONNECTIONS * EXCHANGES * talk.depth
    if found != expected:
        raise ValueError(f"{found} of {expected} exchanges found")
    return 2 * round(found)


def measure() -> dict[str, float]:
    """Return nanoseconds per message by protocol."""
    captures = {name: make_capture(talk) for name, talk in TALKS.items()}
    return medians({name: partial(run, captures[name], TALKS[name]) for name in TALKS})


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    figures = measure()
    if as_json:
        print(json.dumps({name: {"ns_per_message": round(value, 1)} for name, value in figures.items()}))
        return 0
    for name, value in figures.items():
        print(f"{name:20} {value:10,.0f} ns/message {1e9 / value:14,.0f} messages/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
