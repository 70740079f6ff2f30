"""The money in the bodies of HTTP requests."""

import gzip
import zlib
from decimal import Decimal
from itertools import pairwise

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Operation
from exporter.protocols import PROTOCOLS
from exporter.protocols.base import without_values
from exporter.protocols.bodies import ENCODED, FORM, JSON, NO_BODY, PARTS, changes_of, kind_of
from tests.exporter.protocols import samples_http2 as h2
from tests.exporter.protocols.conversing import Kept, Step, client, converse, server

CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
POST = Operation("POST", "/checkout")
Sums = dict[tuple[str, str], Decimal]


def sums(kind: int, body: bytes) -> Sums:
    return {
        (amount.field, amount.currency): amount.total - amount.negative
        for change in changes_of(kind, body, POST)
        for amount in change.amounts
    }


def request(body: bytes, kind: bytes = b"application/json", more: bytes = b"") -> bytes:
    head = b"POST /checkout HTTP/1.1\r\nContent-Type: " + kind + b"\r\n" + more
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def asked(kept: Kept) -> list[Sums]:
    return [
        {(amount.field, amount.currency): amount.total for change in message.changes for amount in change.amounts}
        for exchange in kept.exchanges
        if (message := exchange.request) is not None
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"total": 19.90, "currency": "EUR"}', {("total", "EUR"): "19.90"}),
        (b'{"order": {"total": "19.90", "currencyCode": "usd"}}', {("total", "USD"): "19.90"}),
        (b'{"currency": "CHF", "lines": [{"qty": 2}, {"qty": 3}]}', {("quantity", "CHF"): "5"}),
        (b'[{"amount": 1}, {"amount": -0.5}]', {("amount", ""): "0.5"}),
        (b'{"price": {"amount": 5, "currency": "JPY"}}', {("amount", "JPY"): "5"}),
        (b'{"total": 10, "items": [{"total": 4}, {"total": 6}]}', {("total", ""): "10"}),
        (b'{"total_cents": 1999}', {("total", ""): "19.99"}),
        (b'{"prices": [1.10, 2.20]}', {("price", ""): "3.30"}),
        (b'{"total": null, "amount": true, "price": "n/a", "fee": NaN, "cost": 1e999}', {}),
        (b'{"id": 7, "page": 3, "customer_id": 12}', {}),
        (b'{"total": 5', {}),
        (b'{"total":' + b"[" * 15_000, {}),
        (b'{"total": ' + b"9" * 10_000 + b"}", {}),
    ],
)
def test_json(body: bytes, expected: dict[tuple[str, str], str]) -> None:
    assert sums(JSON, body) == {key: Decimal(value) for key, value in expected.items()}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"total=19.90&currency=EUR&note=total%3D5", {("total", "EUR"): "19.90"}),
        (b"items%5B0%5D%5Bprice%5D=1.50&items%5B1%5D%5Bprice%5D=2", {("price", ""): "3.50"}),
        (b"qty=%2B3&q=total", {("quantity", ""): "3"}),
        (b"total=&amount&=5&price=abc", {}),
    ],
)
def test_forms(body: bytes, expected: dict[tuple[str, str], str]) -> None:
    assert sums(FORM, body) == {key: Decimal(value) for key, value in expected.items()}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (b"Content-Type: application/json; charset=utf-8", JSON),
        (b"content-type:application/vnd.api+json", JSON),
        (b"Content-Type: application/x-www-form-urlencoded", FORM),
        (b"Content-Type: application/json\r\nContent-Encoding: gzip", JSON + ENCODED),
        (b"Content-Type: application/json\r\nContent-Encoding: br", NO_BODY),
        (b"Content-Type: multipart/form-data; boundary=x", PARTS),
        (b"Accept: application/json", NO_BODY),
    ],
)
def test_kinds(fields: bytes, kind: int) -> None:
    assert kind_of(b"POST / HTTP/1.1\r\n" + fields + b"\r\n\r\n") == kind


def test_request_bears_what_its_body_says() -> None:
    form = request(b"total=5&currency=EUR", b"application/x-www-form-urlencoded")
    kept = converse([client(request(b'{"total": 19.90}') + form), server(CREATED * 2)])
    assert asked(kept) == [{("total", ""): Decimal("19.90")}, {("total", "EUR"): Decimal(5)}]


CHUNKED = (
    b"POST /checkout HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'8\r\n{"total"\r\n9\r\n: 12.34 }\r\n0\r\n\r\n'
) + request(b'{"total": 7}')


@given(cuts=st.sets(st.integers(1, len(CHUNKED) - 1), max_size=8))
def test_cutting_the_bytes_changes_no_sum(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(CHUNKED)]
    kept = converse([*(client(CHUNKED[a:b]) for a, b in pairwise(edges)), server(CREATED * 2)])
    assert asked(kept) == [{("total", ""): Decimal("12.34")}, {("total", ""): Decimal(7)}]


def test_lost_or_long_bodies_are_left_alone() -> None:
    lost = request(b'{"note": "' + b"x" * 3000 + b'", "total": 5}')
    long = request(b'{"total": 5, "note": "' + b"x" * 20_000 + b'"}')
    steps = [client(lost[:2000]), Step(0, lost=len(lost) - 2000), server(CREATED), client(long), server(CREATED)]
    kept = converse([*steps, client(request(b'{"total": 7}')), server(CREATED)])
    assert kept.statuses() == ["201"] * 3
    assert asked(kept) == [{}, {}, {("total", ""): Decimal(7)}]


@given(st.binary(max_size=300))
def test_any_body_is_survived(body: bytes) -> None:
    assert isinstance(sums(JSON, b'{"total":' + body), dict)
    assert isinstance(sums(FORM, b"total=" + body), dict)


PARTED = (
    b'--b7\r\nContent-Disposition: form-data; name="total"\r\n\r\n19.90\r\n'
    b'--b7\r\nContent-Type: text/plain\r\ncontent-disposition: form-data; name="items[0][qty]"\r\n\r\n3\r\n'
    b'--b7\r\nContent-Disposition: form-data; name="currency"\r\n\r\nEUR\r\n'
    b'--b7\r\nContent-Disposition: form-data; name="price"; filename="price"\r\n\r\n5\r\n--b7--\r\n'
)


def test_form_in_parts() -> None:
    expected = {("total", "EUR"): Decimal("19.90"), ("quantity", "EUR"): Decimal(3)}
    assert sums(PARTS, PARTED) == expected
    assert asked(converse((client(request(PARTED, b"multipart/form-data; boundary=b7")), server(CREATED)))) == [
        expected
    ]


@pytest.mark.parametrize("body", [b"", b"--", b"--b\r\n\r\n" * 5000, b"x\r\n" + PARTED, PARTED[:40]])
def test_strange_parts_hold_nothing(body: bytes) -> None:
    assert sums(PARTS, body) == {}


def bare(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [
        (b"gzip", gzip.compress(b'{"total": 5}', mtime=0)),
        (b"X-GZIP", gzip.compress(b'{"total": 5}', mtime=0)),
        (b"deflate", zlib.compress(b'{"total": 5}')),
        (b"deflate", bare(b'{"total": 5}')),
    ],
)
def test_compressed_bodies_are_read(encoding: bytes, compressed: bytes) -> None:
    kept = converse((client(request(compressed, more=b"Content-Encoding: " + encoding + b"\r\n")), server(CREATED)))
    assert asked(kept) == [{("total", ""): Decimal(5)}]


@pytest.mark.parametrize("encoding", [b"br", b"gzip, gzip", b"zstd"])
def test_other_encodings_are_left_alone(encoding: bytes) -> None:
    assert kind_of(b"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: " + encoding) == NO_BODY


@pytest.mark.parametrize(
    "compressed",
    [
        gzip.compress(b'{"total": 5}', mtime=0)[:-9],
        gzip.compress(b'{"total": 5, "x": "' + b"x" * 10_000_000 + b'"}', mtime=0),
        b'{"total": 5}',
    ],
    ids=["cut", "bomb", "not compressed"],
)
def test_compressed_bodies_that_cannot_be_read_hold_nothing(compressed: bytes) -> None:
    assert sums(JSON + ENCODED, compressed) == {}


def multiplexed(*frames: bytes, kind: str = "application/json; charset=utf-8") -> tuple[Step, ...]:
    """Return a request of HTTP/2 whose body is in frames, and its answer."""
    asking, telling = Encoder(), Encoder()
    block = h2.fields(asking, _method="POST", _path="/checkout", content_type=kind)
    head = h2.frame(h2.HEADERS, h2.WHOLE, 1, block)
    created = h2.frame(h2.HEADERS, h2.WHOLE | h2.END, 1, h2.fields(telling, _status="201"))
    return (*h2.OPENING, client(head), *map(client, frames), server(created))


def data(payload: bytes, flags: int = 0) -> bytes:
    return h2.frame(h2.DATA, flags, 1, payload)


def test_body_in_frames_of_http2() -> None:
    steps = multiplexed(data(b'{"tot'), data(b"\3" + b'al": 5}' + b"pad", h2.PADDED), data(b"", h2.END))
    assert asked(converse(steps)) == [{("total", ""): Decimal(5)}]


def test_form_in_http2() -> None:
    steps = multiplexed(data(b"qty=3", h2.END), kind="application/x-www-form-urlencoded")
    assert asked(converse(steps)) == [{("quantity", ""): Decimal(3)}]


@pytest.mark.parametrize(
    "frames",
    [
        (data(b'{"total": 5, "x": "' + b"y" * 9000), data(b"y" * 9000 + b'"}', h2.END)),
        (data(b'{"total": 5, "x": "' + b"y" * 16_400 + b'"}', h2.END),),
    ],
)
def test_long_bodies_of_http2_are_left_alone(frames: tuple[bytes, ...]) -> None:
    assert asked(converse(multiplexed(*frames))) == [{}]


def test_lost_bytes_of_a_body_leave_its_request_and_those_behind_it() -> None:
    asking, telling = Encoder(), Encoder()
    block = h2.fields(asking, _method="POST", _path="/checkout", content_type="application/json", x_more="1")
    first = h2.frame(h2.HEADERS, h2.WHOLE, 1, block) + data(b'{"total": 5}')[:12]
    again = h2.fields(asking, _method="POST", _path="/checkout", content_type="application/json", x_more="1")
    body = h2.frame(h2.DATA, h2.END, 3, b'{"total": 7}')
    done = [h2.frame(h2.HEADERS, h2.WHOLE | h2.END, number, h2.fields(telling, _status="201")) for number in (1, 3)]
    kept = converse(
        (
            *h2.OPENING,
            client(first),
            Step(0, lost=9),
            client(data(b"", h2.END) + h2.frame(h2.HEADERS, h2.WHOLE, 3, again) + body),
            server(b"".join(done)),
        )
    )
    assert asked(kept) == [{}, {("total", ""): Decimal(7)}]
    assert kept.requests() == ["POST", "POST"]


def test_no_body_is_read_where_values_are_not_wanted() -> None:
    steps = multiplexed(data(b'{"total": 5}', h2.END))
    (spec,) = (spec for spec in without_values(PROTOCOLS) if spec.name == "http2")
    assert asked(converse(steps, specs=[spec])) == [{}]
