"""memcached's protocols by their behaviour: keys found and missed, quiet commands, refusals, what is none of it."""

import pytest

from exporter.model import Exchange
from exporter.protocols.base import Match
from exporter.protocols.memcached_match import match
from tests.exporter.protocols.conversing import STEP, Kept, Step, client, converse, server
from tests.exporter.protocols.samples_memcached import FLAGS, reply, request

SET = (client(b"set k 0 0 1\r\nx\r\n"), server(b"STORED\r\n"))
GET_QUIETLY, NOOP, SET_QUIETLY, GET = 0x0D, 0x0A, 0x11, 0x00


def looked_up(kept: Kept) -> tuple[int, int]:
    """Return how many keys were found and missed in all."""
    responses = [exchange.response for exchange in kept.exchanges if exchange.response]
    return sum(one.hits for one in responses), sum(one.misses for one in responses)


def test_every_key_of_a_request_counts() -> None:
    kept = converse((*SET, client(b"get a b c\r\n"), server(b"VALUE b 0 1\r\nx\r\nEND\r\n")))
    assert looked_up(kept) == (1, 2)


def test_get_and_touch_counts_its_keys_without_the_time() -> None:
    kept = converse((*SET, client(b"gat 60 a b\r\n"), server(b"VALUE b 0 1\r\nx\r\nEND\r\n")))
    assert looked_up(kept) == (1, 1)


def test_value_may_look_like_a_reply() -> None:
    kept = converse((*SET, client(b"get a\r\n"), server(b"VALUE a 0 12\r\nEND\r\nSTORED\r\r\nEND\r\n"), *SET))
    assert kept.requests() == ["set", "get", "set"]
    assert looked_up(kept) == (1, 0)


def test_counters_and_deletions_look_nothing_up() -> None:
    kept = converse((*SET, client(b"incr a 1\r\ndelete b\r\n"), server(b"NOT_FOUND\r\nNOT_FOUND\r\n")))
    assert looked_up(kept) == (0, 0)
    assert kept.failures() == [False] * 3


def test_noreply_is_not_answered() -> None:
    kept = converse((*SET, client(b"set a 0 0 1 noreply\r\nx\r\nget a\r\n"), server(b"VALUE a 0 1\r\nx\r\nEND\r\n")))
    assert [bool(exchange.response) for exchange in kept.exchanges] == [True, False, True]


@pytest.mark.parametrize(
    ("asked", "told", "statuses"),
    [
        (b"set k 0 0 x\r\n", b"CLIENT_ERROR bad command line format\r\n", ["CLIENT_ERROR"]),
        (b"nonsense\r\n", b"ERROR\r\n", ["ERROR"]),
        (b"set k 0 0 9\r\n123456789\r\n", b"SERVER_ERROR object too large for cache\r\n", ["SERVER_ERROR"]),
        (b"add k 0 0 1\r\nx\r\n", b"NOT_STORED\r\n", ["NOT_STORED"]),
    ],
)
def test_refusals_are_told_from_failures(asked: bytes, told: bytes, statuses: list[str]) -> None:
    kept = converse((*SET, client(asked), server(told)))
    assert kept.statuses()[1:] == statuses
    assert kept.failures()[1] is ("ERROR" in statuses[0])


def test_quiet_lookups_that_got_no_answer_are_missed() -> None:
    asked = b"mg a v q\r\nmg b v q k\r\nmg c v q\r\nmn\r\n"
    kept = converse((*SET, client(asked), server(b"VA 1 kb\r\nx\r\nMN\r\n")))
    assert looked_up(kept) == (1, 2)
    assert [answered(exchange) for exchange in kept.exchanges[1:]] == ["mg -", "mg HD", "mg -", "mn MN"]


def test_quiet_storage_is_passed_over_by_what_it_would_not_say() -> None:
    kept = converse((*SET, client(b"ms a 1 q\r\nx\r\nmg b v\r\n"), server(b"EN\r\n")))
    assert [answered(exchange) for exchange in kept.exchanges[1:]] == ["ms -", "mg EN"]


def test_quiet_binary_lookups_are_found_by_their_number() -> None:
    asked = b"".join(request(GET_QUIETLY, b"key", opaque=number) for number in range(5)) + request(NOOP, opaque=5)
    told = b"".join(reply(GET_QUIETLY, 0, FLAGS, b"key", b"x", number) for number in (1, 3)) + reply(NOOP, opaque=5)
    kept = converse((client(asked), server(told)))
    assert looked_up(kept) == (2, 3)
    assert [exchange.timed and bool(exchange.response) for exchange in kept.exchanges] == [False, True] * 2 + [
        False,
        True,
    ]


def test_quiet_binary_storage_without_an_answer_is_no_failure() -> None:
    asked = request(SET_QUIETLY, b"k", FLAGS * 2, b"x", 1) + request(GET, b"k", opaque=2)
    kept = converse((client(asked), server(reply(GET, 0, FLAGS, value=b"x", opaque=2))))
    assert [answered(exchange) for exchange in kept.exchanges] == ["set -", "get "]
    assert looked_up(kept) == (1, 0)


def test_server_alone_tells_what_it_found() -> None:
    told = b"VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n"
    kept = converse((server(told), server(b"END\r\n"), server(b"STAT pid 1\r\nEND\r\n")), sure=False)
    assert kept.protocols == ["memcached"]
    assert looked_up(kept) == (2, 1)


def test_large_value_passes_unseen() -> None:
    kept = converse(
        (*SET, client(b"get a\r\n"), server(b"VALUE a 0 100000\r\n"), Step(1, lost=100_000), server(b"\r\nEND\r\n"))
    )
    assert kept.exchanges[-1].timed
    assert looked_up(kept) == (1, 0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"get a\r\n", b""),
        (b"get a\r\n", b"-ERR unknown\r\n"),
        (b"delete 5\r\n", b"DELETED\r\n"),
        (b"stats\r\n", b"OK 300\r\n---\n"),
        (b"quit\r\n", b"221 bye\r\n"),
        (b"GET a\r\n", b"END\r\n"),
        (b"\x80\x99" + bytes(22), b""),
        (b"\x80\0\0\x05\0\0\0\0\0\0\0\2" + bytes(12), b""),
    ],
)
def test_what_others_may_say_is_not_claimed(asked: bytes, told: bytes) -> None:
    assert match(asked, told) is not Match.YES


def answered(exchange: Exchange) -> str:
    assert exchange.request
    return f"{exchange.request.operation.name} {exchange.response.status if exchange.response else '-'}"


def test_answers_of_which_only_the_heads_were_copied_are_answers() -> None:
    turns = [step for _ in range(10) for step in (client(b"get a\r\n"), server(b"VALUE a 0 1\r\nx\r\nEND\r\n"))]
    cut = [
        step
        for _ in range(4)
        for step in (
            client(b"get a b\r\n"),
            server(b"VALUE a 0 900\r\n" + b"x" * 100),
            Step(1, lost=836, at_once=True),
        )
    ]
    kept = converse((*turns, *cut))
    assert (len(kept.exchanges), kept.requests().count("-")) == (14, 0)
    assert [exchange.duration for exchange in kept.exchanges] == [STEP] * 14


TURNS = tuple(step for _ in range(8) for step in (client(b"get a\r\n"), server(b"END\r\n")))


@pytest.mark.parametrize(
    ("asked", "size_bytes", "found"),
    [
        (b"get a\r\n", 5, (0, 9)),
        (b"get a\r\n", 40, (1, 8)),
        (b"get a b\r\n", 5, (0, 10)),
        (b"get a b\r\n", 40, (0, 8)),  # one or both
        (b"get a\r\nget b\r\n", 5, (0, 8)),
        (b"delete a\r\n", 9, (0, 8)),
    ],
)
def test_lost_answer_tells_by_its_length_whether_a_key_was_found(
    asked: bytes, size_bytes: int, found: tuple[int, int]
) -> None:
    kept = converse((*SET, *TURNS, client(asked), Step(1, lost=size_bytes), client(b"delete b\r\n")))
    assert looked_up(kept) == found
    assert len(kept.exchanges) == 10 + asked.count(b"\n")


def test_lost_binary_answer_tells_by_its_length_whether_a_key_was_found() -> None:
    for size_bytes, found in ((33, (0, 1)), (29, (1, 0)), (24, (0, 0))):
        asked = (client(request(GET, b"key", opaque=7)), Step(1, lost=size_bytes), client(request(NOOP, opaque=8)))
        kept = converse((client(request(NOOP, opaque=6)), server(reply(NOOP, opaque=6)), *asked))
        assert looked_up(kept) == found


def test_values_behind_the_head_of_an_answer_are_as_long_as_those_in_it() -> None:
    asked, told = b"get key1 key2 key3 key4\r\n", b"VALUE key1 0 3\r\nabc\r\nVALUE key2 0 3\r\nabc\r\nEND\r\n"
    steps = (client(asked[:13]), Step(0, lost=13, at_once=True), server(told[:30]), Step(1, lost=17, at_once=True))
    kept = converse((*SET, *TURNS, *steps))
    assert looked_up(kept) == (2, 10)
