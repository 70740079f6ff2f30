"""Connections of DNS over TCP, and its messages."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

NAME = b"\x0a" + SECRET + b"\x07example\0"
A, SOA, TXT, AAAA, AXFR = 1, 6, 16, 28, 252


def question(number: int, kind: int = A, name: bytes = NAME, flags: int = 0x0120, extra: bytes = b"") -> bytes:
    """Return a query; `extra` is an additional record."""
    counts = b"\0\1\0\0\0\0" + bytes((0, bool(extra)))
    return (
        number.to_bytes(2, "big") + flags.to_bytes(2, "big") + counts + name + kind.to_bytes(2, "big") + b"\0\1" + extra
    )


def answer(number: int, kind: int = A, name: bytes = NAME, rcode: int = 0, records: int = 1) -> bytes:
    """Return a response."""
    head = (
        number.to_bytes(2, "big")
        + (0x8180 | rcode).to_bytes(2, "big")
        + b"\0\1"
        + records.to_bytes(2, "big")
        + bytes(4)
    )
    record = b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c\0\x0b\x0a" + SECRET
    return head + name + kind.to_bytes(2, "big") + b"\0\1" + record * records


def framed(*messages: bytes) -> bytes:
    """Return messages as TCP carries them."""
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
SAMPLES = (
    Sample(
        "stream",
        (
            client(framed(question(1))),
            server(framed(answer(1))),
            client(framed(question(2, TXT, extra=OPT), question(3, AAAA))),
            server(framed(answer(3, AAAA, rcode=3, records=0), answer(2, TXT, records=200))),
            client(framed(question(4))),
            server(framed(answer(4, rcode=2, records=0))),
        ),
        ("A", "AAAA", "TXT", "A"),
    ),
)
