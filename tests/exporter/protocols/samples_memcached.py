"""Connections of memcached."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample


def request(opcode: int, key: bytes = b"", extras: bytes = b"", value: bytes = b"", opaque: int = 0) -> bytes:
    """Return a binary request."""
    body = extras + key + value
    head = bytes((0x80, opcode)) + len(key).to_bytes(2, "big") + bytes((len(extras), 0, 0, 0))
    return head + len(body).to_bytes(4, "big") + opaque.to_bytes(4, "big") + b"\0" * 8 + body


def reply(
    opcode: int, status: int = 0, extras: bytes = b"", key: bytes = b"", value: bytes = b"", opaque: int = 0
) -> bytes:
    """Return a binary reply."""
    body = extras + key + value
    head = bytes((0x81, opcode)) + len(key).to_bytes(2, "big") + bytes((len(extras), 0)) + status.to_bytes(2, "big")
    return head + len(body).to_bytes(4, "big") + opaque.to_bytes(4, "big") + b"\0" * 8 + body


FLAGS = b"\0" * 4
SAMPLES = (
    Sample(
        "text",
        (
            client(b"set k" + SECRET + b" 0 60 10\r\n" + SECRET + b"\r\n"),
            server(b"STORED\r\n"),
            client(b"get " + SECRET + b" b c\r\n"),
            server(b"VALUE b 0 10\r\n" + SECRET + b"\r\nVALUE c 1 2\r\n\r\n\r\nEND\r\n"),
            client(b"gets b\r\ncas b 0 0 1 17\r\n4\r\nincr b 1\r\ndelete " + SECRET + b"\r\n"),
            server(b"VALUE b 0 1 17\r\n4\r\nEND\r\nSTORED\r\n5\r\nDELETED\r\n"),
            client(b"set b 0 0 oops\r\n"),
            server(b"CLIENT_ERROR bad " + SECRET + b"\r\n"),
            client(b"stats\r\n"),
            server(b"STAT pid 1\r\nSTAT uptime 5\r\nEND\r\n"),
        ),
        ("set", "get", "gets", "cas", "incr", "delete", "set", "stats"),
    ),
    Sample(
        "meta",
        (
            client(b"ms k" + SECRET + b" 10 T60\r\n" + SECRET + b"\r\n"),
            server(b"HD\r\n"),
            client(b"mg a v Oabc\r\nmg b v\r\nmd c\r\nmn\r\n"),
            server(b"VA 10 Oabc\r\n" + SECRET + b"\r\nEN\r\nNF\r\nMN\r\n"),
        ),
        ("ms", "mg", "mg", "md", "mn"),
    ),
    Sample(
        "binary",
        (
            client(request(0x01, SECRET, FLAGS * 2, SECRET)),
            server(reply(0x01)),
            client(request(0x00, SECRET) + request(0x00, b"none")),
            server(reply(0x00, 0, FLAGS, value=SECRET * 9) + reply(0x00, 1, value=b"Not found")),
            client(request(0x10)),
            server(reply(0x10, key=b"pid", value=b"1") + reply(0x10, key=b"uptime", value=b"5") + reply(0x10)),
        ),
        ("set", "get", "get", "stats"),
    ),
)
