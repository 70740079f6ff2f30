"""Redis: what answers what, and what answers nothing."""

import pytest

from exporter.model import Direction
from exporter.protocols import redis
from exporter.protocols.base import Match
from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.samples import resp

PING = resp(b"PING")
PONG = b"+PONG\r\n"
MESSAGE = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"


def confirmation(word: bytes, channel: bytes) -> bytes:
    return b"*3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:1\r\n" % (len(word), word, len(channel), channel)


def test_error_reply_carries_its_code() -> None:
    kept = converse([client(PING * 3), server(b"-WRONGTYPE no\r\n-MYOWN x\r\n!9\r\nNOAUTH ab\r\n")])
    assert kept.statuses() == ["WRONGTYPE", "OTHER", "NOAUTH"]
    assert kept.failures() == [True, True, True]


def test_nil_and_nested_errors_are_no_failures() -> None:
    kept = converse([client(PING * 3), server(b"$-1\r\n*-1\r\n*2\r\n-ERR a\r\n*1\r\n-ERR b\r\n")])
    assert kept.failures() == [False, False, False]


def test_transaction_is_a_request_for_each_command() -> None:
    commands = resp(b"MULTI") + resp(b"INCR", b"k") + resp(b"EXEC")
    kept = converse([client(commands), server(b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n")])
    assert kept.requests() == ["MULTI", "INCR", "EXEC"]
    assert kept.statuses() == ["", "", ""]


def test_published_messages_answer_nothing() -> None:
    kept = converse(
        [
            client(resp(b"SUBSCRIBE", b"a", b"b")),
            server(confirmation(b"subscribe", b"a") + confirmation(b"subscribe", b"b") + MESSAGE * 3),
            client(PING),
            server(MESSAGE + b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
            client(resp(b"UNSUBSCRIBE")),
            server(confirmation(b"unsubscribe", b"a") + confirmation(b"unsubscribe", b"b")),
        ]
    )
    assert kept.requests() == ["SUBSCRIBE", "PING", "UNSUBSCRIBE"]
    assert [exchange.duration for exchange in kept.exchanges] == [STEP, STEP, STEP]


@pytest.mark.parametrize(
    "words",
    [
        (b"BLPOP", b"queue", b"0"),
        (b"brpoplpush", b"a", b"b", b"0"),
        (b"XREAD", b"COUNT", b"5", b"block", b"0", b"STREAMS", b"events", b"$"),
        (b"XREADGROUP", b"GROUP", b"workers", b"one", b"COUNT", b"5", b"NOACK", b"BLOCK", b"0", b"STREAMS", b"s", b">"),
    ],
)
def test_waiting_for_others_is_no_duration(words: tuple[bytes, ...]) -> None:
    kept = converse([client(resp(*words)), server(b"*-1\r\n"), client(PING), server(PONG)])
    assert kept.requests() == [words[0].decode().upper(), "PING"]
    assert all(exchange.response for exchange in kept.exchanges)
    assert [exchange.duration for exchange in kept.exchanges] == [None, STEP]


@pytest.mark.parametrize(
    "words", [(b"LPOP", b"queue"), (b"XREAD", b"COUNT", b"5", b"STREAMS", b"block", b"0"), (b"GET", b"BLPOP")]
)
def test_what_does_not_wait_is_timed(words: tuple[bytes, ...]) -> None:
    kept = converse([client(resp(*words)), server(b"*-1\r\n")])
    assert [exchange.duration for exchange in kept.exchanges] == [STEP]


def test_pushes_of_resp3_answer_nothing_but_confirmations() -> None:
    subscribed = b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
    kept = converse(
        [client(resp(b"SUBSCRIBE", b"a") + PING), server(subscribed + b">2\r\n+invalidate\r\n*0\r\n" + PONG)]
    )
    assert kept.requests() == ["SUBSCRIBE", "PING"]
    assert all(exchange.response for exchange in kept.exchanges)


def test_published_messages_are_told_without_the_subscription() -> None:
    kept = converse([server(MESSAGE), server(MESSAGE), client(PING), server(PONG)], sure=False)
    assert kept.requests() == ["PING"]


def test_monitor_streams_what_answers_nothing() -> None:
    line = b'+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"\r\n'
    kept = converse([client(resp(b"MONITOR")), server(b"+OK\r\n" + line), server(line * 4)])
    assert kept.requests() == ["MONITOR"]


def test_muted_replies_are_not_awaited() -> None:
    commands = [resp(b"CLIENT", b"REPLY", b"SKIP"), PING, PING, resp(b"client", b"reply", b"off"), PING, PING]
    kept = converse(
        [client(b"".join(commands)), server(PONG), client(resp(b"CLIENT", b"REPLY", b"ON")), server(b"+OK\r\n")]
    )
    assert kept.requests() == ["CLIENT", "PING", "CLIENT", "PING", "PING", "PING", "CLIENT"]
    answered = [
        exchange.request.operation.name for exchange in kept.exchanges if exchange.request and exchange.response
    ]
    assert answered == ["PING", "CLIENT"]


def test_inline_command_needs_an_answer_in_kind() -> None:
    assert converse([client(b"GET a\r\n"), server(b"$1\r\nb\r\n")]).requests() == ["GET"]
    assert converse([client(b"PING\r\n"), server(PONG)]).protocols == ["redis"]
    assert converse([client(b"GET a\r\n"), server(b"VALUE a 0 1\r\nb\r\nEND\r\n")]).protocols == ["unknown"]


def test_inline_and_array_commands_mix() -> None:
    kept = converse([client(PING + b"\r\n\r\nset a b\r\n" + PING), server(PONG + b"+OK\r\n" + PONG)])
    assert kept.requests() == ["PING", "SET", "PING"]


def test_unknown_command_is_one_operation() -> None:
    kept = converse([client(PING + resp(b"HUNTER2")), server(PONG + b"-ERR unknown command\r\n")])
    assert kept.requests() == ["PING", "OTHER"]


def test_replication_link_is_watched_no_further() -> None:
    kept = converse(
        [client(PING), server(PONG), client(resp(b"PSYNC", b"?", b"-1")), server(b"+FULLRESYNC x 0\r\n$3\r\nRDB")]
    )
    assert kept.requests() == ["PING", "PSYNC"]
    assert kept.unparsable_protocols == []


def test_attributes_belong_to_their_reply() -> None:
    kept = converse([client(PING * 2), server(b"|1\r\n+ttl\r\n-NOT an error\r\n-ERR x\r\n" + PONG)])
    assert kept.failures() == [True, False]


def test_large_value_is_asked_to_be_skipped() -> None:
    parser = redis.SPEC.parser()
    parser.feed(Direction.REQUEST, resp(b"GET", b"k"), 1)
    parser.feed(Direction.RESPONSE, b"$1000000\r\nabc", 2)
    assert parser.skippable(Direction.RESPONSE) == 999_999
    assert len(parser.gap(Direction.RESPONSE, 999_999, 3)) == 1


def test_lost_replies_falsify_no_later_duration() -> None:
    turns = [client(PING), server(PONG)] * 4
    kept = converse([client(PING * 5), server(PONG * 2), Step(1, lost=14), server(PONG), *turns])
    timed = [exchange.duration for exchange in kept.exchanges if exchange.duration is not None]
    assert timed == [STEP, STEP, 3 * STEP, *[STEP] * 3]  # after the loss all but the first turn
    assert len(kept.exchanges) == 9


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (b"*1\r\n$4\r\nPING\r\n", Match.YES),
        (b"*1\r\n$4\r\nPI", Match.NOT_YET),
        (b"*x\r\n", Match.NO),
        (b"*", Match.NOT_YET),
    ],
)
def test_commands_are_told_by_their_beginning(told: bytes, found: Match) -> None:
    assert redis.SPEC.match(told, b"") is found


def test_lookups_tell_what_was_found() -> None:
    kept = converse(
        [
            client(
                resp(b"GET", b"a") + resp(b"MGET", b"a", b"b", b"c") + resp(b"HGET", b"h", b"f") + resp(b"GET", b"n")
            ),
            server(b"$1\r\nx\r\n*3\r\n$1\r\nx\r\n$-1\r\n$0\r\n\r\n$-1\r\n_\r\n"),
            client(resp(b"MULTI") + resp(b"GET", b"a") + resp(b"EXEC")),
            server(b"+OK\r\n+QUEUED\r\n*1\r\n$1\r\nx\r\n"),
            client(resp(b"GET", b"list")),
            server(b"-WRONGTYPE no\r\n"),
        ]
    )
    found = [(exchange.response.hits, exchange.response.misses) for exchange in kept.exchanges if exchange.response]
    assert found == [(1, 0), (2, 1), (0, 0), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0)]


def test_commands_and_errors_that_were_cut_short_count() -> None:
    steps = [
        client(resp(b"PING")),
        server(b"+PONG\r\n"),
        client(resp(b"CLIENT", b"SETINFO", b"LIB-NAME", b"redis-py")),
        server(b"-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.\r\n"),
        client(resp(b"GEORADIUSBYMEMBER_RO", b"a key", b"member", b"1")),
        server(b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    ]
    kept = converse(copied(steps, 30))
    assert kept.requests() == ["PING", "CLIENT", "GEORADIUSBYMEMBER_RO"]
    assert kept.statuses() == ["", "ERR", "WRONGTYPE"]
