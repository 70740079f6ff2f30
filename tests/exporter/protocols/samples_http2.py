"""Connections of HTTP/2 and gRPC."""

from hpack import Encoder

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PUSH, PING, GOAWAY, UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END, WHOLE, PADDED, PRIORITY = 1, 4, 8, 32


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def fields(encoder: Encoder, **values: str) -> bytes:
    """Return a header block; `_` in a name stands for `-`, a leading one for `:`."""
    named = [(":" + name[1:] if name[0] == "_" else name.replace("_", "-"), value) for name, value in values.items()]
    return encoder.encode(named)


def message(body: bytes) -> bytes:
    """Return a message of gRPC."""
    return b"\0" + len(body).to_bytes(4, "big") + body


OPENING = (
    client(PREFACE + frame(SETTINGS, 0, 0, b"\0\3\0\0\0\x64") + frame(UPDATE, 0, 0, b"\0\1\0\0")),
    server(frame(SETTINGS, 0, 0, b"\0\4\0\1\0\0") + frame(SETTINGS, 1, 0)),
    client(frame(SETTINGS, 1, 0)),
)
_ASKING, _TELLING = Encoder(), Encoder()
_BLOCK = fields(_ASKING, _method="PUT", _scheme="http", _path="/b", x_token=SECRET.decode() * 3)
HTTP2 = (
    client(
        frame(
            HEADERS,
            WHOLE | PADDED | PRIORITY,
            1,
            b"\3\0\0\0\0\x10"
            + fields(_ASKING, _method="POST", _path="/a?" + SECRET.decode(), content_type="a/b")
            + b"xyz",
        )
        + frame(DATA, END | PADDED, 1, b"\2" + SECRET + b"xy")
    ),
    server(
        frame(HEADERS, WHOLE, 1, fields(_TELLING, _status="100"))
        + frame(HEADERS, WHOLE, 1, fields(_TELLING, _status="201", server="x"))
        + frame(DATA, 0, 1, SECRET * 30)
        + frame(DATA, END, 1, SECRET)
    ),
    client(
        frame(HEADERS, END, 3, _BLOCK[:7])
        + frame(CONTINUATION, 0, 3, _BLOCK[7:20])
        + frame(CONTINUATION, WHOLE, 3, _BLOCK[20:])
        + frame(HEADERS, WHOLE | END, 5, fields(_ASKING, _method="GET", _path="/c"))
    ),
    server(
        frame(PING, 0, 0, b"12345678")
        + frame(HEADERS, WHOLE | END, 3, fields(_TELLING, _status="404"))
        + frame(HEADERS, WHOLE, 5, fields(_TELLING, _status="200"))
        + frame(DATA, 0, 5, SECRET)
        + frame(HEADERS, WHOLE | END, 5, fields(_TELLING, x_sum=SECRET.decode()))
    ),
)
_CALLING, _ANSWERING = Encoder(), Encoder()
_CALL = {"_method": "POST", "_scheme": "http", "_path": "/shop.Cart/Add", "te": "trailers"}
_TYPE = {"content_type": "application/grpc"}
GRPC = (
    client(
        frame(HEADERS, WHOLE, 1, fields(_CALLING, **_CALL, **_TYPE, authorization=SECRET.decode()))
        + frame(DATA, END, 1, message(SECRET * 3))
    ),
    server(
        frame(HEADERS, WHOLE, 1, fields(_ANSWERING, _status="200", **_TYPE))
        + frame(DATA, 0, 1, message(SECRET))
        + frame(HEADERS, WHOLE | END, 1, fields(_ANSWERING, grpc_status="0", grpc_message=""))
    ),
    client(frame(HEADERS, WHOLE, 3, fields(_CALLING, **_CALL, **_TYPE)) + frame(DATA, END, 3, message(b""))),
    server(
        frame(HEADERS, WHOLE | END, 3, fields(_ANSWERING, _status="200", **_TYPE, grpc_status="5", grpc_message="no"))
    ),
)
SAMPLES = (Sample("padding, continuation and trailers", OPENING + HTTP2, ("POST", "PUT", "GET"), len(OPENING)),)
GRPC_SAMPLES = (Sample("unary calls", OPENING + GRPC, ("/shop.Cart/Add",) * 2, len(OPENING)),)
