"""PostgreSQL: what a request is, and how it ended."""

import pytest

from exporter.protocols import sql
from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.samples import PG_LOGIN, PG_READY, pg, pg_error, pg_startup

PARSE = pg(b"P", b"\0select $1\0\0\0")
BIND = pg(b"B", b"\0\0\0\0\0\0\0\0")
EXECUTE = pg(b"E", b"\0\0\0\0\0")
SYNC = pg(b"S")
DONE = pg(b"C", b"SELECT 1\0")
PARSED, BOUND = pg(b"1"), pg(b"2")


def query(statement: bytes) -> bytes:
    return pg(b"Q", statement + b"\0")


def test_simple_query_ends_when_the_server_is_ready() -> None:
    rows = pg(b"T", b"\0\0") + pg(b"D", b"\0\0")
    kept = converse([*PG_LOGIN, client(query(b"SELECT 1")), server(rows), server(DONE), server(PG_READY)])
    (exchange,) = kept.exchanges
    assert exchange.duration == 3 * STEP


def test_several_statements_are_one_request() -> None:
    kept = converse([*PG_LOGIN, client(query(b"BEGIN; SELECT 1; COMMIT")), server(DONE * 3 + PG_READY)])
    assert kept.requests() == ["BEGIN"]


def test_error_carries_its_sqlstate() -> None:
    kept = converse([*PG_LOGIN, client(query(b"SELEC 1")), server(pg_error(b"42601") + PG_READY)])
    assert kept.requests() == ["OTHER"]
    assert kept.statuses() == ["42601"]
    assert kept.failures() == [True]


def test_pipelined_executions_are_a_request_each() -> None:
    kept = converse(
        [
            *PG_LOGIN,
            client(PARSE + (BIND + EXECUTE) * 3 + SYNC),
            server(PARSED + (BOUND + DONE) * 2),
            server(BOUND + DONE + PG_READY),
        ]
    )
    assert kept.requests() == ["SELECT"] * 3
    assert [exchange.duration for exchange in kept.exchanges] == [STEP, STEP, 2 * STEP]


def test_error_skips_what_comes_before_the_synchronisation() -> None:
    kept = converse(
        [
            *PG_LOGIN,
            client(PARSE + (BIND + EXECUTE) * 3 + SYNC),
            server(PARSED + BOUND + DONE + pg_error(b"23505") + PG_READY),
            client(query(b"UPDATE t SET a = 1")),
            server(DONE + PG_READY),
        ]
    )
    assert kept.requests() == ["SELECT", "SELECT", "SELECT", "UPDATE"]
    assert kept.statuses() == ["", "23505", "-", ""]


def test_preparing_alone_is_no_request() -> None:
    describe = pg(b"D", b"Ss\0")
    kept = converse(
        [
            *PG_LOGIN,
            client(pg(b"P", b"s\0DELETE FROM t\0\0\0") + describe + SYNC),
            server(PARSED + pg(b"t", b"\0\0") + pg(b"n") + PG_READY),
            client(pg(b"B", b"\0s\0\0\0\0\0\0\0") + EXECUTE + SYNC),
            server(BOUND + DONE + PG_READY),
        ]
    )
    assert kept.requests() == ["DELETE"]
    assert kept.exchanges[0].duration == STEP


def test_statement_prepared_before_the_capture_is_told_by_its_tag() -> None:
    execute = pg(b"B", b"\0s7\0\0\0\0\0\0\0") + EXECUTE + SYNC
    kept = converse([client(execute), server(BOUND + pg(b"C", b"INSERT 0 1\0") + PG_READY)], sure=False)
    assert kept.requests() == ["INSERT"]


def test_copy_in_is_one_request() -> None:
    rows = pg(b"d", b"1\t2\n") * 3
    kept = converse(
        [
            *PG_LOGIN,
            client(query(b"copy t from stdin")),
            server(pg(b"G", b"\0\0\0")),
            client(rows + pg(b"c")),
            server(pg(b"C", b"COPY 3\0") + PG_READY),
        ]
    )
    assert kept.requests() == ["COPY"]
    assert kept.exchanges[0].duration == 3 * STEP


def test_copy_in_by_execution_ignores_the_early_synchronisation() -> None:
    kept = converse(
        [
            *PG_LOGIN,
            client(pg(b"P", b"\0COPY t FROM STDIN\0\0\0") + BIND + EXECUTE + SYNC),
            server(PARSED + BOUND + pg(b"G", b"\0\0\0")),
            client(pg(b"d", b"1\n") + pg(b"c") + SYNC),
            server(pg(b"C", b"COPY 1\0") + PG_READY),
            client(query(b"SELECT 1")),
            server(DONE + PG_READY),
        ]
    )
    assert kept.requests() == ["COPY", "SELECT"]
    assert kept.statuses() == ["", ""]


def test_copy_out_is_one_request() -> None:
    out = pg(b"H", b"\0\0\0") + pg(b"d", b"1\n") * 5 + pg(b"c") + pg(b"C", b"COPY 5\0") + PG_READY
    assert converse([*PG_LOGIN, client(query(b"COPY t TO STDOUT")), server(out)]).requests() == ["COPY"]


def test_refused_login_has_failed() -> None:
    kept = converse([client(pg_startup()), server(pg_error(b"28P01"))])
    assert kept.statuses() == ["28P01"]
    assert kept.failures() == [True]


def test_accepted_login_is_no_request() -> None:
    kept = converse(PG_LOGIN)
    assert kept.protocols == ["postgresql"]
    assert kept.exchanges == []


def test_encryption_is_left_to_its_turns() -> None:
    kept = converse([PG_LOGIN[0], server(b"S"), client(b"\x16\x03\x01\0\x05hello"), server(b"\x16\x03\x03\0\x02ok")])
    assert kept.protocols == ["postgresql", "unknown"]
    assert len(kept.exchanges) == 1


def test_cancellation_is_recognised_and_no_request() -> None:
    kept = converse([client(b"\0\0\0\x10\x04\xd2\x16\x2e" + b"12345678")])
    assert kept.protocols == ["postgresql"]
    assert kept.exchanges == []


def test_notices_and_notifications_answer_nothing() -> None:
    notice = pg(b"N", b"SNOTICE\0C00000\0Mx\0\0")
    notification = pg(b"A", b"\0\0\0\x01c\0p\0")
    kept = converse(
        [*PG_LOGIN, server(notification + notice), client(query(b"SELECT 1")), server(notice + DONE + PG_READY)]
    )
    assert kept.requests() == ["SELECT"]
    assert kept.exchanges[0].duration == STEP


def test_end_of_a_session_by_the_server_fails_no_request() -> None:
    kept = converse([*PG_LOGIN, client(query(b"SELECT 1")), server(DONE + PG_READY), server(pg_error(b"57P01"))])
    assert kept.failures() == [False]


def test_lost_rows_within_one_message_cost_nothing() -> None:
    begun = pg(b"T", b"\0\0") + b"D" + (1004).to_bytes(4, "big") + b"x" * 10
    kept = converse([*PG_LOGIN, client(query(b"SELECT 1")), server(begun), Step(1, lost=990), server(DONE + PG_READY)])
    assert [exchange.duration for exchange in kept.exchanges] == [3 * STEP]


COPIED = 30  # of 96 bytes of a frame
ROW = pg(b"T", b"\0\1abalance" + bytes(19)) + pg(b"D", b"\0\1\0\0\0\x041234")


def test_executions_behind_what_was_copied_are_told_by_what_prepared_them() -> None:
    parse = pg(b"P", b"\0SELECT abalance FROM accounts WHERE aid = $1\0\0\0")
    kept = converse(
        copied(
            [
                *PG_LOGIN,
                client(parse + BIND + EXECUTE + SYNC),
                server(PARSED + BOUND + ROW + DONE + PG_READY),
                client(pg(b"P", b"S_1\0INSERT INTO events (name, at) VALUES ($1, $2)\0\0\0") + SYNC),
                server(PARSED + PG_READY),
                client(pg(b"B", b"\0S_1\0" + bytes(6) + b"a long name" * 3) + EXECUTE + SYNC),
                server(BOUND + pg(b"C", b"INSERT 0 1\0") + PG_READY),
            ],
            COPIED,
        )
    )
    assert kept.requests() == ["SELECT", "INSERT"]
    assert kept.statuses() == ["", ""]
    assert kept.exchanges[0].duration == STEP  # what the cut hides may be a request, so that the next is not timed


def test_errors_are_told_by_what_was_copied_of_them() -> None:
    kept = converse(
        copied(
            [
                *PG_LOGIN,
                client(query(b"SELECT a FROM b WHERE c = 'd' AND e")),
                server(ROW + DONE + PG_READY),
                client(query(b"SELECT nowhere FROM accounts LIMIT 1")),
                server(pg(b"E", b"SERROR\0VERROR\0C42703\0Mcolumn does not exist\0\0")),
                server(PG_READY),
                client(query(b"SELECT nowhere FROM accounts LIMIT 1")),
                server(pg(b"E", b"SBETRIEBSFEHLER\0VERROR\0C42703\0Mcolumn does not exist\0\0") + PG_READY),
            ],
            COPIED,
        )
    )
    assert kept.statuses() == ["", "42703", "OTHER"]
    assert kept.failures() == [False, True, True]


def test_numbers_of_rows_that_were_cut_change_nothing() -> None:
    insert = query(b"INSERT INTO orders (id, total) VALUES (1, 2)")
    done = pg(b"C", b"INSERT 0 12\0")
    cut = [server(done[:-2]), Step(1, lost=2 + len(PG_READY), at_once=True)]
    kept = converse([*PG_LOGIN, client(insert), *cut, client(query(b"SELECT 1")), server(DONE + PG_READY)])
    assert kept.requests() == ["INSERT", "SELECT"]
    assert not kept.changes


@pytest.mark.parametrize(
    ("statement", "verb"),
    [
        (b"  select 1", "SELECT"),
        (b"-- hello\n/* a /* nested */ b */ Insert into t", "INSERT"),
        (b"((SELECT 1) UNION (SELECT 2))", "SELECT"),
        (b"; ;update t set a=1", "UPDATE"),
        (b"SELECT'x'", "SELECT"),
        (b"", "EMPTY"),
        (b" ; ", "EMPTY"),
        (b"/* never ends", "EMPTY"),
        (b"hunter2 is my password", "OTHER"),
        (b"SELECTED", "OTHER"),
        (b"WITH a AS (SELECT 1) SELECT 2", "WITH"),
    ],
)
def test_verb_is_the_first_word(statement: bytes, verb: str) -> None:
    operation = sql.operation_of(statement)
    assert (operation.said or operation.name) == verb


@pytest.mark.parametrize("refused", [b"", b"N"])
def test_server_alone_tells_what_was_done(refused: bytes) -> None:
    """Also where it refused to encrypt, which takes one byte without a length."""
    let_in = pg(b"R", bytes(4)) + pg(b"S", b"TimeZone\0UTC\0") + pg(b"K", bytes(8)) + PG_READY
    begun = [server(refused), server(let_in)] if refused else [server(let_in)]
    executed = PARSED + BOUND + pg(b"D", b"\0\0") + DONE + PG_READY
    kept = converse([*begun, server(executed), server(executed), server(pg_error(b"42601") + PG_READY)])
    assert kept.protocols == ["postgresql"]
    assert kept.statuses() == ["", "", "42601"]
