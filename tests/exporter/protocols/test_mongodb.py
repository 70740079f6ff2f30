"""MongoDB's particulars."""

import struct

import pytest

from exporter.model import Operation
from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.sample import SECRET
from tests.exporter.protocols.samples_mongodb import (
    MSG,
    QUERY,
    REPLY,
    document,
    integer,
    message,
    msg,
    nested,
    ok,
    sequence,
    string,
)

MORE_TO_COME = 2
FIND = document(string(b"find", b"t"), string(b"$db", b"d"))
DONE = document(ok(1.0))


def test_failed_command_carries_its_code() -> None:
    failure = document(ok(0.0), string(b"errmsg", SECRET), integer(b"code", 26), string(b"codeName", b"None"))
    kept = converse([client(msg(1, 0, FIND)), server(msg(9, 1, failure))])
    assert (kept.statuses(), kept.failures()) == (["26"], [True])


def test_code_may_come_before_how_the_command_ended() -> None:
    failure = document(string(b"errmsg", SECRET), integer(b"code", 13), b"\x08ok\0\0")
    kept = converse([client(msg(1, 0, FIND)), server(msg(9, 1, failure))])
    assert (kept.statuses(), kept.failures()) == (["13"], [True])


def test_ok_within_the_documents_found_means_nothing() -> None:
    found = document(nested(b"cursor", ok(0.0), integer(b"code", 7)), ok(1.0))
    kept = converse([client(msg(1, 0, FIND)), server(msg(9, 1, found))])
    assert kept.failures() == [False]


def test_write_errors_do_not_fail_the_command() -> None:
    written = document(integer(b"n", 0), nested(b"writeErrors", integer(b"code", 11000)), ok(1.0))
    kept = converse([client(msg(1, 0, FIND)), server(msg(9, 1, written))])
    assert kept.failures() == [False]


def test_answers_are_paired_by_what_they_answer() -> None:
    steps = [client(msg(1, 0, FIND)), client(msg(2, 0, FIND)), server(msg(8, 2, DONE)), server(msg(9, 1, DONE))]
    assert [exchange.duration for exchange in converse(steps).exchanges] == [STEP, 3 * STEP]


def test_unacknowledged_write_expects_no_answer() -> None:
    write = document(string(b"insert", b"t"))
    kept = converse([client(msg(1, 0, write, MORE_TO_COME)), client(msg(2, 0, FIND)), server(msg(9, 2, DONE))])
    assert kept.requests() == ["insert", "find"]
    assert kept.statuses() == ["-", ""]


def test_answers_that_follow_by_themselves_are_pushes() -> None:
    steps = [
        client(msg(1, 0, FIND, 1 << 16)),
        server(msg(7, 1, DONE, MORE_TO_COME)),
        server(msg(8, 7, DONE, MORE_TO_COME)),
        server(msg(9, 8, DONE)),
        client(msg(2, 0, FIND)),
        server(msg(10, 2, DONE)),
    ]
    assert converse(steps).requests() == ["find", "find"]


def test_sequence_in_front_of_the_command_tells_it() -> None:
    body = struct.pack("<I", 0) + sequence(b"updates", document(string(b"q", SECRET))) + b"\0" + document(ok(1.0))
    kept = converse([client(message(MSG, 1, 0, body)), server(msg(9, 1, DONE))])
    assert kept.requests() == ["update"]


def old_query(name: bytes, query: bytes) -> bytes:
    return struct.pack("<I", 0) + name + b"\0" + struct.pack("<ii", 0, 1) + query


def test_old_query_finds_documents_in_which_nothing_is_an_error() -> None:
    found = struct.pack("<Iqii", 8, 0, 0, 1) + document(ok(0.0))
    kept = converse([client(message(QUERY, 1, 0, old_query(b"d.t", DONE))), server(message(REPLY, 9, 1, found))])
    assert (kept.requests(), kept.failures()) == (["find"], [False])


def test_old_query_may_fail_by_its_flags() -> None:
    failed = struct.pack("<Iqii", 2, 0, 0, 1) + document(string(b"$err", SECRET))
    kept = converse([client(message(QUERY, 1, 0, old_query(b"d.t", DONE))), server(message(REPLY, 9, 1, failed))])
    assert kept.failures() == [True]


def test_wrapped_command_is_the_inner_one() -> None:
    wrapped = document(nested(b"$query", integer(b"count", 1)), nested(b"$readPreference"))
    kept = converse([client(message(QUERY, 1, 0, old_query(b"d.$cmd", wrapped)))])
    assert kept.requests() == ["count"]


def test_cut_capture_still_tells_the_command_and_the_pair() -> None:
    asked, told = (
        msg(1, 0, document(string(b"insert", SECRET * 9))),
        msg(9, 1, document(string(b"x", SECRET * 9), ok(1))),
    )
    cut = [Step(0, asked[:30]), Step(0, lost=len(asked) - 30), Step(1, told[:30]), Step(1, lost=len(told) - 30)]
    kept = converse([client(msg(5, 0, FIND)), server(msg(6, 5, DONE)), *cut])
    assert kept.requests() == ["find", "insert"]
    assert kept.statuses() == ["", ""]


def test_name_that_is_no_command_is_not_told() -> None:
    kept = converse([client(msg(1, 0, FIND)), client(msg(2, 0, document(string(SECRET, b"t"))))])
    assert kept.requests() == ["find", "OTHER"]


def targets(*documents: bytes) -> list[str]:
    """Return the collections of commands."""
    kept = converse([client(msg(number, 0, one)) for number, one in enumerate(documents, 1)])
    return [exchange.request.operation.target for exchange in kept.exchanges if exchange.request is not None]


def test_commands_tell_their_collection() -> None:
    more = document(b"\x12getMore\0" + bytes(8), string(b"collection", b"orders"))
    told = targets(FIND, document(string(b"aggregate", b"orders_2024_01")), document(string(b"ping", b"secret")), more)
    assert told == ["t", "orders_{id}", "", "orders"]


def test_commands_that_no_server_knows_are_one() -> None:
    kept = converse([client(msg(1, 0, document(string(b"hunterPassword", b"t")))), server(msg(9, 1, DONE))])
    operation = kept.exchanges[0].request.operation if kept.exchanges[0].request is not None else None
    assert operation == Operation("OTHER")


def test_old_queries_tell_their_collection() -> None:
    query = message(QUERY, 1, 0, old_query(b"shop.orders", document(string(b"q", SECRET))))
    kept = converse([client(query), server(message(REPLY, 9, 1, bytes(20)))])
    assert [one.request.operation.target for one in kept.exchanges if one.request is not None] == ["orders"]


ERRMSG, CODE = string(b"errmsg", b"no such command: frob"), integer(b"code", 59)
CLUSTER_TIME = nested(
    b"$clusterTime",
    b"\x11clusterTime\0" + bytes(8),
    nested(b"signature", b"\x05hash\0\x14\0\0\0\0" + bytes(20), b"\x12keyId\0" + bytes(8)),
)
OPERATION_TIME = b"\x11operationTime\0" + bytes(8)


@pytest.mark.parametrize(
    ("told", "failed"),
    [
        (document(ok(0), ERRMSG, CODE), True),
        (document(ok(1)), False),
        (document(ok(1), CLUSTER_TIME, OPERATION_TIME), False),
        (document(ok(1), CLUSTER_TIME), False),
        (document(ok(1), OPERATION_TIME), False),
    ],
)
@pytest.mark.parametrize("size", [29, 30, 32])
def test_length_of_an_answer_tells_whether_an_ok_that_was_not_copied_says_no(
    told: bytes, failed: bool, size: int
) -> None:
    asked = client(msg(1, 0, document(integer(b"ping", 1), string(b"$db", b"d"))))
    kept = converse([asked, *copied([server(msg(9, 1, told))], size)])
    assert kept.failures() == [failed]
