"""Handshakes of TLS, and what is behind them."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

HOST = b"shop.example"
HELLO_REQUESTS = ("handshake",)


def record(kind: int, body: bytes, version: bytes = b"\3\3") -> bytes:
    """Return a record."""
    return bytes((kind,)) + version + len(body).to_bytes(2, "big") + body


def message(kind: int, body: bytes) -> bytes:
    """Return a handshake message."""
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def extension(kind: int, value: bytes) -> bytes:
    """Return an extension of a hello."""
    return kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def client_hello(host: bytes = HOST) -> bytes:
    """Return the message of a client that speaks TLS 1.3 and 1.2."""
    name = b"\0" + len(host).to_bytes(2, "big") + host
    extensions = (
        extension(10, b"\0\2\0\x1d")
        + extension(0, len(name).to_bytes(2, "big") + name)
        + extension(16, b"\0\x0c\2h2\x08http/1.1")
        + extension(43, b"\4\3\4\3\3")
    )
    random = SECRET * 3 + b"ab"
    body = b"\3\3" + random + b"\x20" + b"s" * 32 + b"\0\4\x13\1\xc0\x2f" + b"\1\0"
    return message(1, body + len(extensions).to_bytes(2, "big") + extensions)


def server_hello(extensions: bytes, random: bytes = SECRET * 3 + b"cd") -> bytes:
    """Return the message of a server."""
    body = b"\3\3" + random + b"\x20" + b"s" * 32 + b"\x13\1" + b"\0"
    return message(2, body + len(extensions).to_bytes(2, "big") + extensions)


TLS13 = server_hello(extension(51, b"\0\x1d\0\x20" + b"k" * 32) + extension(43, b"\3\4"))
TLS12 = server_hello(extension(65281, b"\0") + extension(16, b"\0\3\2h2"))
CHANGE = record(20, b"\1")
FINISHED = record(23, b"f" * 53)
CERTIFICATE = message(11, SECRET * 300)

FULL_12 = (
    client(record(22, client_hello(), b"\3\1")),
    server(record(22, TLS12 + CERTIFICATE[:900]) + record(22, CERTIFICATE[900:]) + record(22, message(14, b""))),
    client(record(22, message(16, SECRET * 6)) + CHANGE + record(22, b"e" * 40)),
    server(record(22, message(4, SECRET * 9)) + CHANGE + record(22, b"e" * 40)),
)
FULL_13 = (
    client(record(22, client_hello()[:99], b"\3\1") + record(22, client_hello()[99:])),
    server(record(22, TLS13) + CHANGE + record(23, SECRET * 200)),
    client(CHANGE + FINISHED),
)
DATA = (
    client(record(23, SECRET * 9)),
    server(record(23, SECRET * 20) + record(23, SECRET)),
    client(record(23, SECRET * 3) + record(23, SECRET * 2)),
    server(record(23, SECRET * 800)),
)
SAMPLES = (
    Sample("1.2 in full", FULL_12, HELLO_REQUESTS),
    Sample("1.3 with a hello in two records", FULL_13, HELLO_REQUESTS),
)
DATA_SAMPLES = (Sample("two turns", DATA, ("", ""), tells_sides=False),)
