import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.http2_headers import HeaderDecoder
from tests.exporter.protocols.conversing import Kept, Step, client, converse, server
from tests.exporter.protocols.samples_http2 import (
    CONTINUATION,
    DATA,
    END,
    GRPC,
    HEADERS,
    OPENING,
    RST,
    WHOLE,
    fields,
    frame,
    message,
)

OK, CANCEL = 0, 8
FIELDS = st.tuples(
    st.sampled_from([":method", ":path", "content-type", "x-a", "grpc-status"]), st.text("abc/-5", max_size=9)
)


def get(stream: int, encoder: Encoder | None = None, flags: int = WHOLE | END) -> bytes:
    return frame(HEADERS, flags, stream, fields(encoder or Encoder(), _method="GET", _path="/a", x_a="b"))


def status(stream: int, code: str, flags: int = WHOLE | END) -> bytes:
    return frame(HEADERS, flags, stream, fields(Encoder(), _status=code))


def talk(*steps: Step) -> Kept:
    return converse((*OPENING, *steps))


@given(st.lists(st.lists(FIELDS, max_size=6), max_size=6), st.booleans())
def test_blocks_are_read_as_the_library_reads_them(blocks: list[list[tuple[str, str]]], huffman: bool) -> None:
    encoder, library, decoder = Encoder(), Decoder(), HeaderDecoder()
    for block in blocks:
        coded = encoder.encode(block, huffman=huffman)
        told = dict(reversed([(str(name), str(value)) for name, value in library.decode(coded)]))
        headers = decoder.decode(coded)
        assert headers.method.decode() == told.get(":method", "")
        assert headers.path.decode() == told.get(":path", "")
        assert headers.content_type.decode() == told.get("content-type", "")
        assert headers.grpc_status.decode() == told.get("grpc-status", "")
        assert not headers.unknown


def test_what_was_inserted_before_joining_is_unknown_and_what_came_since_is_known() -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    encoder.encode([(":path", "/old")])
    first = decoder.decode(encoder.encode([(":path", "/old"), (":path", "/new")]))
    assert first.unknown
    again = decoder.decode(encoder.encode([(":path", "/new")]))
    assert (again.path, again.unknown) == (b"/new", False)


def test_answers_come_in_any_order() -> None:
    kept = talk(client(get(1) + get(3)), server(status(3, "500")), server(status(1, "200")))
    assert kept.statuses() == ["500", "200"]
    assert [exchange.duration for exchange in kept.exchanges] == [1_000_000, 2_000_000]


def test_server_that_resets_a_stream_failed_it_and_a_client_that_does_got_no_answer() -> None:
    kept = talk(
        client(get(1) + get(3)),
        server(frame(RST, 0, 1, b"\0\0\0\7")),
        client(frame(RST, 0, 3, b"\0\0\0\x08")),
    )
    assert kept.statuses() == ["REFUSED_STREAM", "-"]
    assert kept.failures() == [True, False]


def test_answer_before_the_request_ended_is_an_answer() -> None:
    kept = talk(client(get(1, flags=WHOLE)), server(status(1, "413")), client(frame(DATA, END, 1, b"x")))
    assert (kept.requests(), kept.statuses()) == (["GET"], ["413"])


def test_interim_answer_is_none() -> None:
    kept = talk(client(get(1)), server(status(1, "103", WHOLE) + status(1, "404")))
    assert kept.statuses() == ["404"]


def test_upgraded_connection_goes_on_as_http2() -> None:
    upgrade = client(b"GET /a HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n")
    switched = server(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + OPENING[1].payload)
    kept = converse((upgrade, switched, OPENING[0], server(status(1, "200")), client(get(3)), server(status(3, "404"))))
    assert kept.protocols == ["http", "http2"]
    assert kept.statuses() == ["101", "200", "404"]


def test_grpc_is_told_by_its_messages_where_the_header_table_is_unknown() -> None:
    later = GRPC[2:]
    kept = converse((*later, *later), sure=False)
    assert kept.protocols == ["grpc"]
    assert len(kept.exchanges) == 2


def test_grpc_status_decides() -> None:
    kept = talk(*GRPC)
    assert (kept.statuses(), kept.failures()) == (["0", "5"], [False, True])


@pytest.mark.parametrize("path", ["/a/b/c", "/id/1?x=y", "nothing", "/" + "x" * 210 + "/y"])
def test_path_that_is_no_method_is_not_told(path: str) -> None:
    block = fields(Encoder(), _method="POST", _path=path, content_type="application/grpc")
    kept = talk(client(frame(HEADERS, WHOLE, 1, block) + frame(DATA, END, 1, message(b"x"))), GRPC[1])
    assert kept.requests() == ["OTHER"]


def test_endless_header_block_is_dropped() -> None:
    first = frame(HEADERS, END, 1, b"\x40\x01a")
    flood = [client(frame(CONTINUATION, 0, 1, b"a" * 16_000))] * 40
    kept = talk(client(first), *flood, client(get(3)), server(status(3, "200")))
    assert kept.statuses()[-1] == "200"
