"""Turns of what nobody parses."""

from exporter.model import Direction
from exporter.protocols import UNKNOWN
from exporter.protocols.turns import LONGEST_PAUSE
from tests.exporter.protocols.conversing import STEP, client, converse, server


def test_bursts_make_turns() -> None:
    kept = converse([client(b"\1a"), client(b"b"), server(b"c"), server(b"d"), client(b"e"), server(b"f")])
    assert kept.protocols == ["unknown"]
    assert [exchange.duration for exchange in kept.exchanges] == [3 * STEP, STEP]


def test_what_the_server_says_unasked_is_no_turn() -> None:
    assert converse([server(b"\1hello"), server(b"again")]).exchanges == []


def test_what_nobody_answers_is_no_turn() -> None:
    assert converse([client(b"\1a"), server(b"b"), client(b"c")]).requests() == [""]


def test_notification_long_after_the_answer_is_no_part_of_it() -> None:
    parser = UNKNOWN.parser()
    parser.feed(Direction.REQUEST, b"a", 0)
    parser.feed(Direction.RESPONSE, b"b", 10)
    parser.feed(Direction.RESPONSE, b"c", 11 + LONGEST_PAUSE)
    request, response = parser.finish(12 + LONGEST_PAUSE)
    assert request.last_at == 0
    assert response.last_at == 10


def test_one_side_alone_tells_no_turn() -> None:
    assert converse([client(b"\1a"), client(b"b"), client(b"c")]).exchanges == []
