"""ZooKeeper's particulars."""

from tests.exporter.protocols.conversing import STEP, Step, client, converse, server
from tests.exporter.protocols.samples_zookeeper import EVENT, OPENING, PATH, buffer, reply, request

GET = buffer(PATH) + b"\0"
NO_NODE, NODE_EXISTS = -101, -110


def test_error_carries_its_code() -> None:
    kept = converse([*OPENING, client(request(1, 1, GET + b"\0" * 16)), server(reply(1, NODE_EXISTS))])
    assert (kept.statuses(), kept.failures()) == (["", "-110"], [False, True])


def test_absence_is_an_answer_to_exists_alone() -> None:
    asked = client(request(1, 3, GET) + request(2, 4, GET))
    kept = converse([*OPENING, asked, server(reply(1, NO_NODE) + reply(2, NO_NODE))])
    assert kept.statuses()[1:] == ["-101", "-101"]
    assert kept.failures()[1:] == [False, True]


def test_events_are_no_answers() -> None:
    kept = converse([*OPENING, client(request(1, 4, GET)), server(EVENT), server(reply(1, 0, b"x"))])
    assert kept.requests() == ["connect", "getData"]
    assert kept.exchanges[-1].duration == 2 * STEP


def test_ping_between_pairs_with_its_own_answer() -> None:
    steps = [client(request(7, 4, GET)), client(request(-2, 11)), server(reply(-2)), server(reply(7, 0, b"x"))]
    kept = converse([*OPENING, *steps])
    assert kept.requests() == ["connect", "ping", "getData"]
    assert [exchange.duration for exchange in kept.exchanges] == [STEP, STEP, 3 * STEP]


def test_cut_capture_is_read_by_the_heads() -> None:
    asked, told = request(1, 5, GET + b"d" * 200), reply(1, 0, b"s" * 68)
    cut = [Step(0, asked[:20]), Step(0, lost=len(asked) - 20), Step(1, told[:30]), Step(1, lost=len(told) - 30)]
    kept = converse([*OPENING, *cut])
    assert kept.requests() == ["connect", "setData"]
    assert kept.statuses() == ["", ""]


def test_lost_answer_gives_no_latency_to_the_next_one() -> None:
    first, second = request(1, 4, GET), request(2, 4, GET)
    kept = converse([*OPENING, client(first), Step(1, lost=24), client(second), server(reply(2, 0, b"x"))])
    assert [exchange.duration for exchange in kept.exchanges] == [STEP, None, STEP]


def test_lost_answer_of_a_mere_head_is_an_error_to_what_should_hold_more() -> None:
    def lost(opcode: int, size_bytes: int) -> list[Step]:
        return [client(request(1, opcode, GET)), Step(1, lost=size_bytes)]

    found = [converse([*OPENING, *lost(4, size), client(request(2, 11))]) for size in (20, 100)]
    assert [kept.requests()[1] for kept in found] == ["getData", "getData"]
    assert [kept.failures()[1] for kept in found] == [True, False]
    absent = converse([*OPENING, *lost(3, 20), client(request(2, 11))])
    assert absent.failures() == [False] * 3


def test_lost_answer_among_several_requests_tells_nothing() -> None:
    asked = [client(request(1, 4, GET)), client(request(2, 4, GET)), Step(1, lost=20), server(reply(2, 0, b"x"))]
    kept = converse([*OPENING, *asked])
    assert kept.failures() == [False] * 3


def test_absence_told_to_a_lost_request_is_no_error() -> None:
    kept = converse([*OPENING, Step(0, lost=33), server(reply(1, -101)), client(request(2, 4, GET))])
    assert kept.failures() == [False] * 3


def test_answer_that_was_passed_over_is_not_awaited_any_more() -> None:
    asked = [client(request(1, 4, GET)), client(request(2, 4, GET)), Step(1), server(reply(2, 0, b"x"))]
    kept = converse([*OPENING, *asked, client(request(3, 4, GET)), Step(1, lost=20), client(request(4, 4, GET))])
    assert kept.failures().count(True) == 1
