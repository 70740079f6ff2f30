from exporter.protocols.clickhouse_match import operation_of
from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.samples_clickhouse import (
    BLOCK,
    CLIENT_HELLO,
    DONE,
    LAST,
    ROWS,
    SERVER_HELLO,
    exception,
    query,
)


def test_refused_login_counts_and_a_granted_one_does_not() -> None:
    refused = converse((client(CLIENT_HELLO), server(exception(516))))
    granted = converse((client(CLIENT_HELLO), server(SERVER_HELLO), client(b"\4"), server(b"\4")))
    assert (refused.requests(), refused.statuses(), refused.failures()) == (["hello"], ["516"], [True])
    assert granted.requests() == ["ping"]


def test_data_of_an_insert_belong_to_it_whatever_the_server_says_in_between() -> None:
    asked = query(b"INSERT INTO t VALUES")
    steps = (
        client(asked),
        server(ROWS),
        client(BLOCK[:9]),
        server(b"\3\1\1\0"),
        client(BLOCK[9:] + LAST),
        server(b"\5"),
    )
    kept = converse((client(CLIENT_HELLO), server(SERVER_HELLO), *steps, client(query(b"SELECT 1")), server(DONE)))
    assert kept.requests() == ["INSERT", "SELECT"]
    assert kept.exchanges[0].request is not None
    assert kept.exchanges[0].request.size_bytes == len(asked)


def test_exception_is_found_behind_other_packets_and_across_segments() -> None:
    told = ROWS + exception(241)
    kept = converse((client(query(b"SELECT 1")), *(server(told[at : at + 7]) for at in range(0, len(told), 7))))
    assert kept.statuses() == ["241"]


def test_text_of_a_row_that_looks_like_an_exception_is_none() -> None:
    kept = converse((client(query(b"SELECT message FROM log")), server(ROWS + b"\x0dDB::Exception" + DONE)))
    assert kept.failures() == [False]


def test_answer_lasts_until_its_last_byte() -> None:
    kept = converse(
        (client(query(b"SELECT 1")), server(ROWS), server(ROWS), server(DONE), client(b"\4"), server(b"\4"))
    )
    answer = kept.exchanges[0].response
    assert answer is not None
    assert (answer.first_at, answer.last_at) == (2_000_000, 4_000_000)


def test_cancelled_query_is_one_request() -> None:
    kept = converse((client(query(b"SELECT 1")), server(ROWS), client(b"\3"), server(exception(394))))
    assert (kept.requests(), kept.statuses()) == (["SELECT"], ["394"])


def test_lost_answer_ends_with_the_next_query() -> None:
    kept = converse((client(query(b"SELECT 1")), Step(1, lost=5000), client(query(b"DROP TABLE t")), server(b"\5")))
    assert kept.requests() == ["SELECT", "DROP"]


def test_verbs_of_its_own_are_told() -> None:
    assert operation_of(query(b"SYSTEM RELOAD CONFIG")).name == "SYSTEM"
    assert operation_of(query(b"-- why\nWITH 1 AS x SELECT x")).name in ("WITH", "SELECT")


def test_answer_of_which_the_head_was_copied_is_timed() -> None:
    steps = [step for _ in range(12) for step in (client(query(b"SELECT 1" + b" " * 90)), server(ROWS * 9 + DONE))]
    kept = converse([client(CLIENT_HELLO), server(SERVER_HELLO), *copied(steps, 80)])
    assert [exchange.duration for exchange in kept.exchanges[2:]] == [STEP] * 10
