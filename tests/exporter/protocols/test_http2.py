import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Direction
from exporter.protocols.http2 import Http2Parser
from exporter.protocols.http2_frames import PREFACE
from exporter.protocols.http2_headers import HeaderDecoder
from tests.exporter.protocols.conversing import STEP, Kept, Step, client, converse, copied, server
from tests.exporter.protocols.samples_http2 import (
    CONTINUATION,
    DATA,
    END,
    GRPC,
    HEADERS,
    OPENING,
    PING,
    RST,
    SETTINGS,
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


CALL = {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/shop.Cart/Add",
    ":authority": "shop:80",
    "te": "trailers",
    "content-type": "application/grpc",
    "user-agent": "grpc-go/1",
}
TYPED = {":status": "200", "content-type": "application/grpc"}


def called(path: str) -> list[tuple[str, str]]:
    return [(name, path if name == ":path" else value) for name, value in CALL.items()]


def test_lost_block_that_inserted_nothing_costs_nothing() -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    for path in ("/a", "/b", "/a"):
        decoder.decode(encoder.encode(called(path)))
    encoder.encode(called("/b"))
    decoder.doubt()
    told = decoder.decode(encoder.encode(called("/b")))
    assert (told.path, told.content_type, told.unknown) == (b"/b", b"application/grpc", False)


def test_names_that_are_spelt_out_are_those_of_the_static_table() -> None:
    decoder = HeaderDecoder()
    spelt = [b"\x40" + bytes((len(name),)) + name.encode() + b"\x02/a" for name in (":path", ":authority", "te")]
    decoder.decode(spelt[0] + spelt[1] + b"\x83" + spelt[2])
    decoder.doubt()
    assert [decoder.decode(b"\xc0\xbf\x83\xbe").path for _ in range(3)] == [b"/a"] * 3


def test_what_a_lost_block_inserted_is_unknown_and_what_was_there_before_is_known() -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    for path in ("/a", "/b"):
        decoder.decode(encoder.encode(called(path)))
    encoder.encode(called("/lost"))
    decoder.doubt()
    told = [decoder.decode(encoder.encode(called(path))) for path in ("/lost", "/a", "/b", "/new", "/new")]
    assert [headers.path for headers in told] == [b"", b"/a", b"/b", b"/new", b"/new"]
    assert [headers.unknown for headers in told] == [True, False, False, False, False]


def test_status_after_a_loss_waits_for_what_cannot_have_been_lost() -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    for block in (TYPED, trailers("0", ""), TYPED, trailers("0", "")):
        decoder.decode(encoder.encode(list(block.items())))
    for block in (TYPED, trailers("5", "no")):
        encoder.encode(list(block.items()))
    decoder.doubt()
    told = [decoder.decode(encoder.encode(list(block.items()))) for block in (trailers("5", "no"), TYPED)]
    told += [decoder.decode(encoder.encode(list(trailers(code, "").items()))) for code in ("0", "5")]
    assert [headers.grpc_status for headers in told] == [b"", b"", b"0", b""]


def trailers(code: str, said: str) -> dict[str, str]:
    return {"grpc-status": code, "grpc-message": said}


@given(
    st.lists(st.tuples(st.sampled_from(["/a", "/b", "/c", "/d"]), st.booleans()), max_size=24),
    st.lists(st.tuples(st.sampled_from("0057"), st.sampled_from(["", "no"]), st.sampled_from("ht+-")), max_size=24),
)
def test_what_is_told_after_losses_is_never_wrong(
    asked: list[tuple[str, bool]], answered: list[tuple[str, str, str]]
) -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    for path, seen in asked:
        block = encoder.encode(called(path))
        if seen:
            assert decoder.decode(block).path.decode() in (path, "")
        else:
            decoder.doubt()
    encoder, decoder = Encoder(), HeaderDecoder()
    for code, said, lost in answered:
        for part, fields_of in (("h", TYPED), ("t", trailers(code, said))):
            block = encoder.encode(list(fields_of.items()))
            if lost in (part, "+"):
                decoder.doubt()
            else:
                assert decoder.decode(block).grpc_status.decode() in (fields_of.get("grpc-status", ""), "")


@given(st.integers(0, 120), st.lists(st.sampled_from(["/a", "/b", "/c"]), min_size=1, max_size=12))
def test_what_is_told_behind_a_torn_block_is_never_wrong(seen: int, asked: list[str]) -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    decoder.decode(encoder.encode(called("/a"))[:seen], torn=True)
    for path in asked:
        assert decoder.decode(encoder.encode(called(path))).path.decode() in (path, "")


def test_path_in_a_torn_block_is_known_once_its_place_is() -> None:
    encoder, decoder = Encoder(), HeaderDecoder()
    decoder.decode(encoder.encode(called("/shop.Cart/Add"))[:24], torn=True)  # within the name behind the authority
    told = [decoder.decode(encoder.encode(called(path))).path for path in ("/shop.Cart/Drop", "/shop.Cart/Add")]
    assert told == [b"/shop.Cart/Drop", b"/shop.Cart/Add"]


def test_call_whose_segment_was_copied_in_part_is_named_by_the_part() -> None:
    asking, telling = Encoder(), Encoder()
    steps: list[Step] = []
    paths = ["/x.Y/A", "/x.Y/B", "/x.Y/A"]
    for stream, path in zip((1, 3, 5), paths, strict=True):
        head = frame(HEADERS, WHOLE, stream, asking.encode(called(path)))
        whole = head + frame(DATA, END, stream, message(b"x" * 90))
        kept = 9 + 24 if stream == 1 else len(whole)
        steps.append(client(whole[:kept]))
        if kept < len(whole):
            steps.append(Step(0, lost=len(whole) - kept, at_once=True))
        told = frame(HEADERS, WHOLE | END, stream, telling.encode([*TYPED.items(), ("grpc-status", "0")]))
        steps.append(server(told))
    kept_calls = talk(*steps)
    assert kept_calls.requests() == paths
    assert kept_calls.statuses() == ["0"] * 3


def test_calls_behind_a_lost_segment_are_still_named() -> None:
    asking, telling = Encoder(), Encoder()

    def call(stream: int, path: str) -> tuple[Step, Step]:
        head = frame(HEADERS, WHOLE, stream, asking.encode(called(path))) + frame(DATA, END, stream, message(b""))
        told = frame(HEADERS, WHOLE, stream, telling.encode(list(TYPED.items()))) + frame(DATA, 0, stream, message(b""))
        code = telling.encode(list(trailers("0" if path == "/x.Y/A" else "5", "").items()))
        return client(head), server(told + frame(HEADERS, WHOLE | END, stream, code))

    paths = ("/x.Y/A", "/x.Y/B", "/x.Y/A", "/x.Y/B", "/x.Y/A", "/x.Y/A")
    calls = [call(2 * number + 1, path) for number, path in enumerate(paths)]
    lost = [Step(step.direction, lost=len(step.payload)) for step in calls[3]]
    kept = talk(*(step for pair in calls[:3] for step in pair), *lost, *(step for pair in calls[4:] for step in pair))
    assert sorted(kept.requests()) == sorted(["", paths[0], paths[1], paths[2], paths[4], paths[5]])
    assert [status for status in kept.statuses() if status != "-"] == ["0", "5", "0", "0", "0"]


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


def test_requests_behind_a_head_are_those_whose_numbers_are_missing() -> None:
    asking, telling = Encoder(), Encoder()
    train = client(b"".join(get(stream, asking) for stream in (3, 5, 7)))
    told = [server(frame(HEADERS, WHOLE | END, stream, fields(telling, _status="200"))) for stream in (1, 3)]
    steps = (*OPENING, client(get(1, asking)), told[0], train, told[1], client(get(9, asking)))
    kept = converse(copied(steps, 30))
    assert sorted(kept.requests()) == ["", *["GET"] * 4]  # two of the three are short enough to be seen
    assert sum(exchange.duration is not None for exchange in kept.exchanges) == 2


@given(st.lists(st.integers(1, 8), min_size=1, max_size=8), st.integers(30, 200))
def test_no_more_requests_are_told_of_than_there_are(trains: list[int], size: int) -> None:
    encoder, stream, steps = Encoder(), -1, list(OPENING)
    for count in trains:
        streams = range(stream + 2, stream + 2 * count + 1, 2)
        steps.append(client(b"".join(get(number, encoder) for number in streams)))
        stream = streams[-1]
    told = len(converse(copied(steps, size)).exchanges)
    assert len(trains) <= told <= sum(trains)
    assert told >= sum(trains[:-1]) + 1


def test_numbers_that_a_client_leaves_out_are_no_requests() -> None:
    assert converse([*OPENING, client(get(1)), client(get(101))]).requests() == ["GET"] * 2


def test_a_great_hole_and_a_great_number_are_not_taken_for_millions_of_requests() -> None:
    parser = Http2Parser()
    parser.feed(Direction.REQUEST, PREFACE + get(1), 1)
    parser.gap(Direction.REQUEST, 1 << 30, 2)
    assert len(parser.feed(Direction.REQUEST, get(2_000_001), 3)) <= 1025


def test_connection_of_which_only_heads_were_copied_is_known_by_its_preface() -> None:
    kept = converse(copied([*OPENING, client(get(1))], 30))
    assert kept.protocols == ["http2"]


def test_pings_before_a_request_that_was_not_copied_do_not_speak_against_grpc() -> None:
    """A server of gRPC pings to measure the bandwidth; a message's prefix in an answer tells it."""
    asking = Encoder()
    steps = [client(PREFACE + frame(SETTINGS, 0, 0)[:6]), Step(0, lost=40, at_once=True), server(frame(SETTINGS, 0, 0))]
    for stream in (1, 3, 5):
        asked = frame(HEADERS, WHOLE, stream, asking.encode(called("/x.Y/A"))) + frame(DATA, END, stream, message(b"x"))
        told = frame(HEADERS, WHOLE, stream, b"\x88\xc0")  # 200, and a type that was told before
        body = frame(DATA, 0, stream, message(b"z" * 40))
        steps += [client(asked[:12]), Step(0, lost=len(asked) - 12, at_once=True)]
        steps += [client(frame(PING, 1, 0, bytes(8))), server(told + body[:20]), Step(1, lost=40, at_once=True)]
    assert converse(steps).protocols == ["grpc"]


def test_answer_of_which_the_end_was_lost_has_ended_before_the_next_request() -> None:
    body = frame(DATA, END, 1, b"x" * 9)
    kept = talk(client(get(1)), server(status(1, "503", WHOLE)), Step(1, lost=len(body)), client(get(3)))
    assert (kept.requests(), kept.statuses(), kept.failures()) == (["GET", "GET"], ["503", "-"], [True, False])
    assert kept.exchanges[0].duration == STEP


def test_answer_of_which_the_end_was_lost_counts_without_a_time_if_nothing_follows() -> None:
    kept = talk(client(get(1)), server(status(1, "503", WHOLE)), Step(1, lost=18))
    assert (kept.statuses(), kept.exchanges[0].duration) == (["503"], None)


def test_answer_that_goes_on_behind_a_loss_is_none_yet() -> None:
    rest = (server(frame(DATA, 0, 1, b"x")), client(get(3)), server(status(3, "200")), server(frame(DATA, END, 1)))
    kept = talk(client(get(1)), server(status(1, "503", WHOLE)), Step(1, lost=18), *rest)
    assert sorted(kept.statuses()) == ["200", "503"]
    assert max(exchange.duration or 0 for exchange in kept.exchanges) == 6 * STEP


def test_status_that_was_first_said_in_a_lost_block_is_a_failure_if_success_is_known() -> None:
    asking, telling = Encoder(), Encoder()

    def call(stream: int, code: str) -> tuple[Step, Step]:
        asked = frame(HEADERS, WHOLE, stream, asking.encode(called("/x.Y/A"))) + frame(DATA, END, stream, message(b""))
        head = frame(HEADERS, WHOLE, stream, telling.encode(list(TYPED.items())))
        ended = frame(HEADERS, WHOLE | END, stream, telling.encode(list(trailers(code, "no").items())))
        return client(asked), server(head + frame(DATA, 0, stream, message(b"")) + ended)

    calls = [call(2 * number + 1, code) for number, code in enumerate("000505")]
    lost = Step(1, lost=len(calls[3][1].payload))
    steps = [step for number, pair in enumerate(calls) for step in (pair if number != 3 else (pair[0], lost))]
    kept = talk(*steps)
    assert kept.statuses().count("0") == 4
    assert (kept.failures().count(True), kept.statuses()[kept.failures().index(True)]) == (1, "")
