"""Which trace a request belongs to."""

import pytest
from hpack import Encoder

from exporter.protocols.trace import trace_of, traced
from tests.exporter.protocols.conversing import Kept, client, converse, server
from tests.exporter.protocols.samples_http2 import DATA, END, HEADERS, OPENING, WHOLE, fields, frame, message

TRACE, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
FIELD = b"00-" + TRACE + b"-" + SPAN + b"-01"


@pytest.mark.parametrize(
    "value",
    [
        b"00-" + TRACE + b"-" + SPAN + b"-00",  # not sampled
        b"ff-" + TRACE + b"-" + SPAN + b"-01",
        b"00-" + b"0" * 32 + b"-" + SPAN + b"-01",
        b"00-" + TRACE + b"-" + b"0" * 16 + b"-01",
        b"00-" + TRACE.upper() + b"-" + SPAN + b"-01",
        b"00-" + TRACE + b"-" + SPAN + b"-011",
        FIELD[:-1],
        b"",
    ],
)
def test_other_values_are_no_trace(value: bytes) -> None:
    assert traced(value) == b""


def traces(kept: Kept) -> list[bytes]:
    return [exchange.request.trace for exchange in kept.exchanges if exchange.request is not None]


@pytest.mark.parametrize("name", [b"traceparent", b"Traceparent"])
def test_head_of_http_1(name: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + name + b": " + FIELD + b"\r\nAccept: */*\r\n\r\n"
    assert trace_of(head) == TRACE + b"-" + SPAN
    kept = converse([client(head + b"GET / HTTP/1.1\r\n\r\n"), server(b"HTTP/1.1 204 No Content\r\n\r\n" * 2)])
    assert traces(kept) == [TRACE + b"-" + SPAN, b""]


def test_other_fields_are_no_trace() -> None:
    assert trace_of(b"GET / HTTP/1.1\r\nX-Traceparent: " + FIELD + b"\r\n\r\n") == b""
    assert trace_of(b"GET /?traceparent:" + FIELD + b" HTTP/1.1\r\n\r\n") == b""


@pytest.mark.parametrize("kind", ["application/grpc", "application/json"])
def test_metadata_of_http_2(kind: str) -> None:
    asking, telling = Encoder(), Encoder()
    call = {"_method": "POST", "_scheme": "http", "_path": "/shop.Cart/Add", "content_type": kind}
    steps = []
    for stream, more in ((1, {"traceparent": FIELD.decode()}), (3, {"traceparent": FIELD.decode()}), (5, {})):
        asked = frame(HEADERS, WHOLE, stream, fields(asking, **call, **more))
        told = fields(telling, _status="200", content_type=kind)
        steps += [
            client(asked + frame(DATA, END, stream, message(b"abc"))),
            server(frame(HEADERS, WHOLE | END, stream, told)),
        ]
    assert traces(converse([*OPENING, *steps])) == [TRACE + b"-" + SPAN] * 2 + [b""]
