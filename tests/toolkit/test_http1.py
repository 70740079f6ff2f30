"""HTTP/1.1 heads: what is read, what is refused, and that no bytes raise anything else."""

from contextlib import suppress
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.http1 import BadRequestError, Response, accepts, parse_head, render, text

GET = b"GET /metrics?name[]=a&name[]=b&x= HTTP/1.1\r\nHost: h\r\nAccept: a\r\nAccept: b"


def test_a_request_is_read() -> None:
    head = parse_head(GET)
    assert (head.request.method, head.request.path) == ("GET", "/metrics")
    assert head.request.query == {"name[]": ("a", "b"), "x": ("",)}
    assert head.request.headers == {"host": "h", "accept": "a, b"}
    assert head.keep_alive
    assert head.body_bytes == 0


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"/a%20b", "/a b"), (b"http://host/x", "/x"), (b"http://host", "/"), (b"//host/x", "/x")],
)
def test_targets(target: bytes, path: str) -> None:
    assert parse_head(b"GET " + target + b" HTTP/1.0").request.path == path


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive", True),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close", False),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade, Close", False),
    ],
)
def test_whether_the_connection_stays(head: bytes, keep_alive: bool) -> None:
    assert parse_head(head).keep_alive is keep_alive


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /",
        b"get / HTTP/1.1\r\nHost: h",
        b"GET / HTTP/2.0\r\nHost: h",
        b"GET / HTTP/1.1",
        b"GET  / HTTP/1.1\r\nHost: h",
        b"GET x HTTP/1.1\r\nHost: h",
        b"GET /\xff HTTP/1.1\r\nHost: h",
        b"GET http://[::1 HTTP/1.1\r\nHost: h",
        b"GET / HTTP/1.1\r\nHost: h\r\nno colon",
        b"GET / HTTP/1.1\r\nHost : h",
        b"GET / HTTP/1.1\r\nHost: h\r\n folded: x",
        b"GET / HTTP/1.1\r\nHost: a\nb: c",
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +5",
        b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6",
        b"GET /?" + b"a=b&" * 1001 + b" HTTP/1.1\r\nHost: h",
    ],
)
def test_what_is_not_a_request_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_head(head)
    assert caught.value.status is HTTPStatus.BAD_REQUEST


def test_a_chunked_body_needs_a_length() -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_head(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked")
    assert caught.value.status is HTTPStatus.LENGTH_REQUIRED


def test_a_response_is_written() -> None:
    sent = render(text("hello"), (("X-A", "b"),), head_only=False, keep_alive=False)
    head, body = sent.split(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Length: 6",
        b"X-A: b",
        b"Connection: close",
    ]
    assert body == b"hello\n"
    assert render(Response(b"12345"), (), head_only=True, keep_alive=True).endswith(b"Content-Length: 5\r\n\r\n")


@pytest.mark.parametrize(
    ("header", "yes"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("", False),
        ("xgzip", False),
    ],
)
def test_accepted_codings(header: str, yes: bool) -> None:
    assert accepts(header, "gzip") is yes


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: GET + b"\r\n" + tail))
def test_any_bytes_are_a_request_or_refused(head: bytes) -> None:
    with suppress(BadRequestError):
        assert parse_head(head).request.path.startswith("/")
