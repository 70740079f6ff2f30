"""What RFC 9113 lets the two sides of a stream do besides a request and its answer."""

import pytest
from hpack import Encoder

from tests.exporter.protocols.conversing import Kept, Step, client, converse, server
from tests.exporter.protocols.samples_http2 import (
    CONTINUATION,
    DATA,
    END,
    GOAWAY,
    HEADERS,
    OPENING,
    PADDED,
    PREFACE,
    PRIORITY,
    PUSH,
    RST,
    SETTINGS,
    UPDATE,
    WHOLE,
    fields,
    frame,
)

NO_ERROR, REFUSED_STREAM, CANCEL = (code.to_bytes(4, "big") for code in (0, 7, 8))


class Sides:
    """Builds the frames of both sides, each with the header table that it really has."""

    def __init__(self) -> None:
        self.asking, self.telling = Encoder(), Encoder()

    def ask(self, stream: int, path: str = "/a", flags: int = WHOLE | END) -> bytes:
        return frame(HEADERS, flags, stream, fields(self.asking, _method="POST", _path=path, x_own="asked"))

    def tell(self, stream: int, status: str, flags: int = WHOLE | END, **more: str) -> bytes:
        return frame(HEADERS, flags, stream, fields(self.telling, _status=status, x_own="told", **more))

    def trail(self, stream: int, of_client: bool = False) -> bytes:
        return frame(HEADERS, WHOLE | END, stream, fields(self.asking if of_client else self.telling, x_sum="1"))


@pytest.fixture
def sides() -> Sides:
    return Sides()


def talk(*steps: Step) -> Kept:
    kept = converse((*OPENING, *steps))
    assert kept.protocols == ["http2"]
    assert kept.unparsable_protocols == []
    return kept


def paths(kept: Kept) -> list[str]:
    return [exchange.request.operation.target if exchange.request else "-" for exchange in kept.exchanges]


def test_preface_and_request_may_come_before_the_server_says_anything(sides: Sides) -> None:
    first = client(PREFACE + frame(SETTINGS, 0, 0) + sides.ask(1))
    kept = converse((first, server(frame(SETTINGS, 0, 0) + frame(SETTINGS, 1, 0) + sides.tell(1, "200"))))
    assert (kept.protocols, kept.requests(), kept.statuses()) == (["http2"], ["POST"], ["200"])


def test_upgrade_that_the_server_passes_over_leaves_http1() -> None:
    asked = client(b"GET /a HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n")
    told = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    kept = converse((asked, told, asked, told))
    assert (kept.protocols, kept.statuses()) == (["http"], ["200", "200"])


def test_upgraded_request_is_answered_behind_the_switch_in_one_segment(sides: Sides) -> None:
    kept = converse(
        (
            client(b"GET /a HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"),
            server(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
                + frame(SETTINGS, 0, 0)
                + sides.tell(1, "500", WHOLE)
                + frame(DATA, END, 1, b"no")
            ),
            client(PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, 1, 0) + sides.ask(3)),
            server(sides.tell(3, "204")),
        )
    )
    assert kept.protocols == ["http", "http2"]
    assert kept.statuses() == ["101", "500", "204"]
    assert kept.failures() == [False, True, False]


def test_streams_in_flight_when_the_server_goes_away_are_answered_or_not_at_all(sides: Sides) -> None:
    leaving = frame(GOAWAY, 0, 0, (1).to_bytes(4, "big") + NO_ERROR + b"bye")
    kept = talk(client(sides.ask(1) + sides.ask(3)), server(leaving + sides.tell(1, "200")))
    assert sorted(zip(kept.requests(), kept.statuses(), strict=True)) == [("POST", "-"), ("POST", "200")]


def test_answer_that_was_given_before_the_server_heard_of_a_cancellation_is_one(sides: Sides) -> None:
    kept = talk(
        client(sides.ask(1) + sides.ask(3)),
        client(frame(RST, 0, 1, CANCEL)),
        server(sides.tell(1, "200", WHOLE) + frame(DATA, 0, 1, b"x") + sides.trail(1)),
        server(sides.tell(3, "404")),
    )
    assert (kept.requests(), kept.statuses()) == (["POST", "POST"], ["200", "404"])


def test_cancellation_of_an_answer_that_has_begun_leaves_it_an_answer(sides: Sides) -> None:
    kept = talk(
        client(sides.ask(1)),
        server(sides.tell(1, "200", WHOLE)),
        client(frame(RST, 0, 1, CANCEL)),
        server(frame(DATA, END, 1, b"late")),
    )
    assert (kept.requests(), kept.statuses(), kept.failures()) == (["POST"], ["200"], [False])


def test_refused_streams_trailers_on_their_way_ask_nothing(sides: Sides) -> None:
    kept = talk(
        client(sides.ask(1, flags=WHOLE)),
        server(frame(RST, 0, 1, REFUSED_STREAM)),
        client(frame(DATA, 0, 1, b"x") + sides.trail(1, of_client=True)),
    )
    assert (kept.requests(), kept.statuses(), kept.failures()) == (["POST"], ["REFUSED_STREAM"], [True])


def test_early_answer_and_its_reset_without_an_error_leave_one_request(sides: Sides) -> None:
    kept = talk(
        client(sides.ask(1, flags=WHOLE)),
        server(sides.tell(1, "413") + frame(RST, 0, 1, NO_ERROR)),
        client(frame(DATA, 0, 1, b"x") + sides.trail(1, of_client=True) + sides.ask(3, "/b")),
        server(sides.tell(3, "200")),
    )
    assert (paths(kept), kept.statuses(), kept.failures()) == (["/a", "/b"], ["413", "200"], [True, False])


@pytest.mark.parametrize("padding", [0, 7])
def test_promised_streams_are_no_answers_and_cost_the_table_nothing(sides: Sides, padding: int) -> None:
    promised = fields(sides.telling, _method="GET", _path="/style.css", x_pushed="yes")
    payload = (2).to_bytes(4, "big") + promised
    if padding:
        payload = bytes((padding,)) + payload + bytes(padding)
    kept = talk(
        client(sides.ask(1)),
        server(
            frame(PUSH, WHOLE | (PADDED if padding else 0), 1, payload)
            + sides.tell(1, "404", WHOLE, x_pushed="yes")
            + sides.tell(2, "200", WHOLE)
            + frame(DATA, END, 1, b"a")
            + frame(DATA, END, 2, b"b")
        ),
        client(sides.ask(3)),
        server(sides.tell(3, "404")),
    )
    assert kept.statuses() == ["404", "404"]


def test_promise_over_several_frames_is_read_to_its_end(sides: Sides) -> None:
    promised = fields(sides.telling, _method="GET", _path="/style.css", x_pushed="yes")
    kept = talk(
        client(sides.ask(1)),
        server(
            frame(PUSH, 0, 1, (2).to_bytes(4, "big") + promised[:3])
            + frame(CONTINUATION, 0, 1, promised[3:9])
            + frame(CONTINUATION, WHOLE, 1, promised[9:])
            + sides.tell(1, "418", x_pushed="yes")
        ),
    )
    assert kept.statuses() == ["418"]


@pytest.mark.parametrize("cut", [1, 2, 5, 11])
def test_block_over_several_frames_with_padding_and_priority_is_one(sides: Sides, cut: int) -> None:
    block = fields(sides.asking, _method="PUT", _path="/padded", x_own="asked")
    begun = b"\5" + b"\x80\0\0\0\x10" + block[:cut] + bytes(5)
    rest = [block[at : at + cut] for at in range(cut, len(block), cut)]
    frames = frame(HEADERS, PADDED | PRIORITY | END, 1, begun) + b"".join(
        frame(CONTINUATION, WHOLE if number == len(rest) - 1 else 0, 1, part) for number, part in enumerate(rest)
    )
    kept = talk(client(frames + sides.ask(3, "/padded")), server(sides.tell(1, "201") + sides.tell(3, "200")))
    assert (kept.requests(), kept.statuses()) == (["PUT", "POST"], ["201", "200"])
    assert paths(kept) == ["/padded", "/padded"]


@pytest.mark.parametrize("sizes", [(0,), (0, 4096), (64, 4096), (65_536,), (128,)])
def test_table_of_another_size_is_followed(sides: Sides, sizes: tuple[int, ...]) -> None:
    steps = [client(sides.ask(1, "/a")), server(sides.tell(1, "200"))]
    for size in sizes:
        sides.asking.header_table_size = sides.telling.header_table_size = size
        steps.append(server(frame(SETTINGS, 0, 0, b"\0\1" + size.to_bytes(4, "big"))))
        steps.append(client(frame(SETTINGS, 0, 0, b"\0\1" + size.to_bytes(4, "big"))))
    names = [f"/p{chr(97 + number % 7)}" for number in range(30)]
    for number, path in enumerate(names):
        stream = 2 * number + 3
        steps += [client(sides.ask(stream, path)), server(sides.tell(stream, "418" if number % 3 else "200"))]
    kept = talk(*steps)
    assert paths(kept) == ["/a", *names]
    assert kept.statuses() == ["200", *("418" if number % 3 else "200" for number in range(30))]


def test_interim_answers_come_before_the_final_one_and_trailers_behind_it(sides: Sides) -> None:
    kept = talk(
        client(sides.ask(1, flags=WHOLE)),
        server(sides.tell(1, "100", WHOLE)),
        client(frame(DATA, 0, 1, b"x") + sides.trail(1, of_client=True)),
        server(sides.tell(1, "103", WHOLE, link="</a.css>") + sides.tell(1, "103", WHOLE, link="</b.css>")),
        server(sides.tell(1, "503", WHOLE) + frame(DATA, 0, 1, b"x") + sides.trail(1)),
    )
    assert (kept.requests(), kept.statuses(), kept.failures()) == (["POST"], ["503"], [True])
    assert kept.exchanges[0].duration == 4_000_000


def test_interim_answer_and_then_a_reset_is_a_failure(sides: Sides) -> None:
    kept = talk(client(sides.ask(1)), server(sides.tell(1, "103", WHOLE) + frame(RST, 0, 1, REFUSED_STREAM)))
    assert (kept.statuses(), kept.failures()) == (["REFUSED_STREAM"], [True])


def test_priorities_windows_and_what_extensions_add_are_nothing(sides: Sides) -> None:
    besides = frame(2, 0, 3, b"\0\0\0\0\xc8") + frame(UPDATE, 0, 1, b"\0\0\xff\xff") + frame(0x10, 0, 0, b"\0\0\0\1u=1")
    kept = talk(client(besides + sides.ask(1) + besides), server(besides + sides.tell(1, "200")))
    assert (kept.requests(), kept.statuses()) == (["POST"], ["200"])
