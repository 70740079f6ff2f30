"""What heads of packets tell of the messages behind them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversation
from tests.exporter.protocols.conversing import STEP, STREAMED, Kept, Step, client, converse, copied, flow, server

SET, LPUSH, GET = (
    b"*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$3\r\nVXK\r\n",
    b"*3\r\n$5\r\nLPUSH\r\n$6\r\nmylist\r\n$3\r\nVXK\r\n",
    b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000001\r\n",
)
OK, NUMBER, VALUE, PING, PONG = b"+OK\r\n", b":1\r\n", b"$3\r\nVXK\r\n", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"
BEGINNING = (client(PING), server(PONG))


def heads(*steps: Step, size: int = 30) -> list[Step]:
    return copied(steps, size)


@pytest.mark.parametrize("size", [30, 62, 190])
@pytest.mark.parametrize(("command", "reply"), [(SET, OK), (LPUSH, NUMBER), (GET, VALUE)])
def test_pipelines_of_redis_are_counted_by_the_replies_that_a_head_shows(
    command: bytes, reply: bytes, size: int
) -> None:
    rounds = [step for _ in range(5) for step in (client(command * 16), server(reply * 16))]
    kept = converse(heads(*BEGINNING, *rounds, size=size))
    operation = command.split(b"\r\n")[2].decode()
    assert kept.requests() == ["PING"] + [operation] * 80
    assert all(exchange.response for exchange in kept.exchanges)


def test_operations_behind_a_head_are_those_that_were_seen_in_turn() -> None:
    kept = converse(heads(*BEGINNING, client((SET + GET) * 4), server((OK + VALUE) * 4), size=90))
    assert kept.requests()[1:] == ["SET", "GET"] * 4


def test_what_was_not_seen_has_no_time_and_no_status() -> None:
    kept = converse(heads(*BEGINNING, client(SET * 8), server(OK * 8)))
    assert all(exchange.duration is None for exchange in kept.exchanges[2:])
    assert set(kept.statuses()) == {""}


@pytest.mark.parametrize("elements", [2, 1000])
def test_list_in_answer_to_a_single_request_is_one_answer(elements: int) -> None:
    asked = b"*4\r\n$6\r\nLRANGE\r\n$40\r\n" + b"k" * 40 + b"\r\n$1\r\n0\r\n$2\r\n-1\r\n"
    told = b"*%d\r\n" % elements + b"$20\r\nvalue of twenty byte\r\n" * elements
    assert converse(heads(*BEGINNING, client(asked), server(told))).requests() == ["PING", "LRANGE"]


@pytest.mark.parametrize("keys", [5, 100])
def test_values_in_answer_to_a_single_lookup_are_one_answer(keys: int) -> None:
    asked = b"get " + b" ".join(b"key%03d" % key for key in range(keys)) + b"\r\n"
    told = b"".join(b"VALUE key%03d 0 10\r\n0123456789\r\n" % key for key in range(keys)) + b"END\r\n"
    steps = (client(b"version\r\n"), server(b"VERSION 1.6\r\n"), client(asked), server(told))
    assert converse(heads(*steps)).requests() == ["version", "get"]


def test_body_of_a_response_is_none() -> None:
    asked = b"GET /long/path/to/something HTTP/1.1\r\nHost: example\r\nCookie: " + b"c" * 900 + b"\r\n\r\n"
    told = b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5000\r\n\r\n" + b"b" * 5000
    steps = heads(*(step for _ in range(3) for step in (client(asked), server(told))))
    assert converse(steps).requests() == ["GET"] * 3


def test_answers_without_a_question_belong_to_those_behind_the_head() -> None:
    asked = b"GET /a HTTP/1.1\r\nHost: example\r\n\r\n" * 3
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert converse(heads(client(asked), server(told), server(told), server(told), size=50)).requests() == ["GET"] * 3


def answer(status: str, size_bytes: int) -> bytes:
    head = f"HTTP/1.1 {status}\r\nServer: a-server-of-some-name\r\nContent-Length: {size_bytes}\r\n\r\n"
    return head.encode() + b"x" * size_bytes


@pytest.mark.parametrize("size", [30, 62, 190])
def test_answers_of_known_lengths_behind_a_head_are_told_with_their_statuses(size: int) -> None:
    fine, lost, broken = answer("200 OK", 200), answer("404 Not Found", 150), answer("500 Internal Server Error", 99)
    asked = b"".join(b"GET /path%d HTTP/1.1\r\nHost: example.net\r\n\r\n" % number for number in range(9))
    packets = [fine, lost, broken, fine + lost, lost + broken + fine]
    kept = converse([*heads(client(asked), *map(server, packets), size=size), server(b"HTTP/1.1 200 OK\r\n\r\n")])
    told = [status for status in kept.statuses() if status != "-"]
    assert sorted(told[:8]) == ["200"] * 3 + ["404"] * 3 + ["500"] * 2
    assert set(kept.requests()) == {"GET"}


def test_answers_to_requests_of_one_packet_have_times_whether_it_was_copied_or_not() -> None:
    asked = b"GET /a HTTP/1.1\r\nHost: example.net\r\n\r\n" * 3
    told = server(b"HTTP/1.1 204 No Content\r\n\r\n")
    kept = converse([*heads(client(asked)), told, told, told])
    assert [exchange.duration for exchange in kept.exchanges] == [STEP, 2 * STEP, 3 * STEP]


def test_answers_to_requests_of_two_packets_have_no_times_where_those_were_not_copied() -> None:
    asked = client(b"GET /a HTTP/1.1\r\nHost: example.net\r\n\r\n" * 3)
    told = server(b"HTTP/1.1 204 No Content\r\n\r\n")
    kept = converse([*heads(asked), told, *heads(asked), *[told] * 5])
    durations = [exchange.duration for exchange in kept.exchanges]
    assert len(durations) == 6
    assert durations[2:] == [None] * 4


def test_messages_that_nobody_answers_are_counted_by_their_size() -> None:
    greeting = b'INFO {"server_id":"x","version":"2.10"}\r\n'
    hello = b'CONNECT {"verbose":false}\r\n'
    publication, delivery = b"PUB topic.a 5\r\nhello\r\n", b"MSG topic.a 1 5\r\nhello\r\n"
    begin = (server(greeting), client(hello))
    kept = converse([*begin, *heads(client(publication * 50), server(delivery * 50))])
    assert kept.requests().count("PUB") == 50
    assert kept.requests().count("MSG") == 50


def test_packets_that_go_on_behind_a_head_hold_more_of_the_same() -> None:
    train, replies = SET * 100, OK * 100
    steps = (client(train[:1448]), client(train[1448:2896]), client(train[2896:]), server(replies[:333]))
    kept = converse(heads(*BEGINNING, *steps, server(replies[333:])))
    assert len(kept.exchanges) == pytest.approx(101, abs=3)
    assert set(kept.requests()[1:]) == {"SET"}


def test_estimates_are_counted_by_protocol() -> None:
    estimates: Counter[str] = Counter()
    conversation = Conversation(flow(), Kept(), STREAMED, estimates=estimates)
    for at, step in enumerate((*BEGINNING, client(SET * 16), server(OK * 16))):
        conversation.shorten(min(30, len(step.payload)))
        conversation.data(step.direction, step.payload[:30], at * STEP)
        if len(step.payload) > 30:
            conversation.gap(step.direction, len(step.payload) - 30, at * STEP)
    assert estimates == {"redis": 16 - 6}


WRONG = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


@pytest.mark.parametrize("failures", [1, 4, 9])
def test_lengths_tell_how_many_answers_behind_a_head_failed(failures: int) -> None:
    """The size of an error is learnt from one that came alone, and the commands tell how many answers there are."""
    alone = (client(LPUSH), server(WRONG))
    answers = OK + WRONG * failures + OK * (9 - failures)
    kept = converse(heads(*BEGINNING, *alone, client(SET * 10), server(answers), size=62))
    assert kept.failures().count(True) == 1 + failures
    assert len(kept.exchanges) == 12


def test_errors_of_unknown_length_are_not_told_of_unseen() -> None:
    kept = converse(heads(*BEGINNING, client(SET * 10), server(OK + WRONG * 9)))
    assert kept.failures().count(True) == 1


def test_what_is_said_once_is_not_repeated_behind_a_head() -> None:
    multi, queued = b"*1\r\n$5\r\nMULTI\r\n", b"+QUEUED\r\n"
    kept = converse(heads(*BEGINNING, client(multi + GET * 20), server(OK + queued * 20)))
    assert kept.requests().count("MULTI") == 1
    assert len(kept.exchanges) == pytest.approx(22, abs=3)


def test_publications_behind_a_head_are_like_the_latest_ones() -> None:
    hello = (server(b'INFO {"server_id":"x"}\r\n'), client(b'CONNECT {"verbose":false}\r\n'))
    single = b"PUB a.topic.with.a.long.name.indeed 20\r\n" + b"x" * 20 + b"\r\n"
    short = b"HPUB t 18 20\r\nNATS/1.0\r\nk: v\r\n\r\nxx\r\n"
    train = short + single * 40
    packets = [client(train[start : start + 1448]) for start in range(0, len(train), 1448)]
    kept = converse([*hello, *heads(*[client(single)] * 10, *packets)])
    assert kept.requests().count("PUB") == pytest.approx(50, rel=0.15)
    assert kept.requests().count("HPUB") <= 8


def test_packet_of_impossible_length_tells_of_no_more_than_offload_makes() -> None:
    hello = (server(b'INFO {"server_id":"x"}\r\n'), client(b'CONNECT {"verbose":false}\r\n'))
    hole = Step(0, lost=1 << 40, at_once=True)
    assert len(converse([*hello, client(b"PUB a 1\r\nx\r\n" * 2), hole]).exchanges) < 50_000


COMMANDS = st.lists(st.sampled_from([(SET, OK), (LPUSH, NUMBER), (GET, VALUE), (PING, PONG)]), min_size=1, max_size=40)


@given(rounds=st.lists(COMMANDS, min_size=1, max_size=6), size=st.integers(30, 2000))
def test_no_more_is_told_than_there_is_room_for(rounds: list[list[tuple[bytes, bytes]]], size: int) -> None:
    steps = [*BEGINNING]
    for commands in rounds:
        steps += [
            client(b"".join(command for command, _ in commands)),
            server(b"".join(reply for _, reply in commands)),
        ]
    told = len(converse(heads(*steps, size=size)).exchanges)
    seen = converse(steps)
    asked_bytes = sum(len(step.payload) for step in steps[::2])
    assert told <= 1 + len(rounds) + asked_bytes / len(PING)
    if max(len(step.payload) for step in steps) <= size:
        assert told == len(seen.exchanges)
    assert len(seen.exchanges) == 1 + sum(len(commands) for commands in rounds)


@given(st.data())
def test_nothing_that_was_copied_changes_by_being_told_that_it_is_all(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 30))
    steps = [*BEGINNING, client(SET * count), server(OK * count)]
    assert converse(heads(*steps, size=5000)).exchanges == converse(steps).exchanges


def test_only_protocols_that_measure_messages_or_do_not_are_told_of() -> None:
    assert {spec.name for spec in PROTOCOLS if spec.trains is not None} == {
        *("redis", "memcached", "nats", "mqtt", "cassandra", "http", "http2", "grpc", "elasticsearch", "smtp"),
    }
