"""Connections of ZooKeeper."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

PATH = b"/" + SECRET


def framed(*numbers: int, body: bytes = b"") -> bytes:
    """Return a message of some numbers of four bytes and a body."""
    content = b"".join(number.to_bytes(4, "big", signed=True) for number in numbers) + body
    return len(content).to_bytes(4, "big") + content


def buffer(content: bytes) -> bytes:
    """Return bytes behind their length."""
    return len(content).to_bytes(4, "big") + content


def request(xid: int, opcode: int, body: bytes = b"") -> bytes:
    """Return a request."""
    return framed(xid, opcode, body=body)


def reply(xid: int, error: int = 0, body: bytes = b"") -> bytes:
    """Return a reply at a transaction of the second epoch."""
    return framed(xid, 2, 77, error, body=body)


EVENT = framed(-1, -1, -1, 0, 3, 3, body=buffer(PATH))
OPENING = (
    client(framed(0, 0, 0, 10_000, 0, 0, body=buffer(b"\0" * 16) + b"\0")),
    server(framed(0, 10_000, 1, 0x33CAA0, body=buffer(SECRET + b"abcdef") + b"\0")),
)
SAMPLES = (
    Sample(
        "whole",
        (
            *OPENING,
            client(request(1, 1, buffer(PATH) + buffer(SECRET * 20) + b"\0" * 31)),
            server(reply(1, 0, buffer(PATH))),
            client(request(2, 4, buffer(PATH) + b"\1") + request(3, 3, buffer(b"/none") + b"\0")),
            server(reply(2, 0, buffer(SECRET * 30) + b"\0" * 68) + reply(3, -101)),
            client(request(-2, 11)),
            server(EVENT + reply(-2)),
            client(request(4, 5, buffer(PATH) + buffer(SECRET) + b"\0\0\0\x07")),
            server(reply(4, -103)),
            client(request(5, -11)),
            server(reply(5)),
        ),
        ("connect", "create", "getData", "exists", "ping", "setData", "closeSession"),
    ),
    Sample(
        "joined",
        (
            client(request(90, 12, buffer(b"/brokers") + b"\0")),
            server(reply(90, 0, b"\0\0\0\1" + buffer(SECRET) + b"\0" * 68)),
            client(request(91, 2, buffer(PATH) + b"\xff" * 4)),
            server(reply(91, -111)),
        ),
        ("getChildren", "delete"),
    ),
)
