"""Connections of FastCGI."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = range(1, 8)


def record(kind: int, content: bytes = b"", number: int = 1, padded: bool = True) -> bytes:
    """Return a record, padded to eight bytes as nginx does it."""
    padding = -len(content) % 8 if padded else 0
    head = bytes((1, kind)) + number.to_bytes(2, "big") + len(content).to_bytes(2, "big") + bytes((padding, 0))
    return head + content + bytes(padding)


def pair(name: bytes, value: bytes) -> bytes:
    """Return a parameter."""
    size = bytes((len(value),)) if len(value) < 128 else (len(value) | 1 << 31).to_bytes(4, "big")
    return bytes((len(name),)) + size + name + value


def asked(method: bytes, body: bytes = b"", number: int = 1) -> bytes:
    """Return a request."""
    params = (
        pair(b"QUERY_STRING", b"q=" + SECRET * 20)
        + pair(b"REQUEST_METHOD", method)
        + pair(b"SCRIPT_NAME", b"/index.php")
        + pair(b"HTTP_COOKIE", SECRET)
    )
    stdin = (record(STDIN, body, number) if body else b"") + record(STDIN, b"", number)
    begin = record(BEGIN, b"\0\1\1" + bytes(5), number)
    return begin + record(PARAMS, params, number) + record(PARAMS, b"", number) + stdin


def told(head: bytes, body: bytes = SECRET, number: int = 1, why: int = 0) -> bytes:
    """Return an answer."""
    out = record(STDOUT, head + b"Content-type: text/html\r\n\r\n" + body, number) + record(STDOUT, b"", number)
    return out + record(END, bytes(4) + bytes((why,)) + bytes(3), number)


SAMPLES = (
    Sample(
        "kept alive",
        (
            client(asked(b"GET")),
            server(told(b"")),
            client(asked(b"POST", SECRET * 300)),
            server(record(STDERR, SECRET) + told(b"Status: 404 Not Found\r\n", SECRET * 200)),
            client(asked(b"HEAD", number=2) + asked(b"DELETE", number=3)),
            server(told(b"Location: /x\r\n", number=3) + record(END, bytes(4) + b"\2" + bytes(3), 2)),
        ),
        ("GET", "POST", "DELETE", "HEAD"),
    ),
)
