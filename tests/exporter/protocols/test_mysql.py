"""MySQL's protocol by its behaviour: what a request is, what ends an answer, what cannot be read."""

import pytest

from exporter.protocols.base import Match
from exporter.protocols.mysql_match import match
from tests.exporter.protocols.conversing import Kept, Step, client, converse, server
from tests.exporter.protocols.samples_mysql import (
    CLASSIC,
    COLUMN,
    DEPRECATE_EOF,
    END,
    EOF,
    ERROR,
    EXECUTE,
    MODERN,
    OK,
    PREPARED,
    ROW,
    SAMPLES,
    chain,
    command,
    greeting,
    login,
    packet,
)

SSL, COMPRESS, ATTRIBUTES = 0x800, 0x20, 1 << 27
SELECT = client(command(b"\x03SELECT 1"))
HELLO = b"\x16\x03\x01\0\xc8\x01\0\0\xc4\x03\x03" + b"r" * 60
LARGEST = 0xFFFFFF


def logged_in(*steps: Step) -> Kept:
    return converse((server(greeting()), *CLASSIC, *steps))


def test_error_carries_its_state() -> None:
    kept = logged_in(SELECT, server(chain(ERROR)), SELECT, server(chain(b"\xff\x10\x04Too many connections")))
    assert kept.statuses() == ["42S02", "HY000"]
    assert kept.failures() == [True, True]


def test_error_may_end_rows() -> None:
    kept = logged_in(SELECT, server(chain(b"\1", COLUMN, EOF, ROW, ERROR)), SELECT, server(chain(OK)))
    assert kept.failures() == [True, False]


def test_progress_report_is_no_error() -> None:
    kept = logged_in(SELECT, server(chain(b"\xff\xff\xff\1\2\0\0\0\4copy", OK)))
    assert kept.failures() == [False]


def test_several_results_are_one_answer() -> None:
    more = b"\xfe\0\0\x0a\0"
    steps = (SELECT, server(chain(b"\1", COLUMN, EOF, ROW, more)), server(chain(b"\1", COLUMN, EOF, ROW, EOF, first=6)))
    kept = logged_in(*steps)
    assert kept.requests() == ["SELECT"]
    assert kept.exchanges[0].duration == 2_000_000


def test_file_of_the_client_is_no_command() -> None:
    kept = logged_in(
        client(command(b"\x03LOAD DATA LOCAL INFILE 'x' INTO TABLE t")),
        server(chain(b"\xfbx")),
        client(packet(2, b"\x03SELECT inside") + packet(3, b"")),
        server(packet(4, OK)),
        *(SELECT, server(chain(OK))),
    )
    assert kept.requests() == ["LOAD", "SELECT"]
    assert kept.exchanges[0].duration == 3_000_000


def test_long_statement_is_one_request() -> None:
    text = b"\x03INSERT INTO t VALUES ('" + b"x" * LARGEST
    payload = packet(0, text[:LARGEST]) + packet(1, text[LARGEST:])
    kept = logged_in(client(payload), server(packet(2, OK)))
    assert kept.requests() == ["INSERT"]


def test_numbers_of_packets_wrap() -> None:
    rows = [ROW] * 600
    kept = logged_in(SELECT, server(chain(b"\1", COLUMN, EOF, *rows, EOF)), SELECT, server(chain(OK)))
    assert len(kept.exchanges) == 2
    assert all(exchange.timed for exchange in kept.exchanges)


def test_definitions_may_be_left_out() -> None:
    kept = converse((server(greeting()), *MODERN, SELECT, server(chain(b"\1\0", ROW, END)), SELECT, server(chain(OK))))
    assert kept.requests() == ["SELECT", "SELECT"]


def test_execution_of_an_unknown_statement_counts() -> None:
    kept = converse((client(command(EXECUTE)), server(chain(b"\1", COLUMN, ROW, END))), sure=False)
    assert kept.protocols == ["mysql"]
    assert kept.requests() == [""]


def test_statement_prepared_in_the_same_breath_is_known() -> None:
    latest = b"\x17\xff\xff\xff\xff\0\1\0\0\0"
    kept = logged_in(
        client(command(b"\x16UPDATE t SET a = 1") + command(latest)),
        server(chain(b"\0\7\0\0\0\0\0\0\0\0\0\0") + chain(OK)),
    )
    assert kept.requests() == ["COM_STMT_PREPARE", "UPDATE"]


def test_closed_statements_are_forgotten() -> None:
    kept = logged_in(
        client(command(b"\x16SELECT ?")),
        server(chain(PREPARED, COLUMN, EOF, COLUMN, EOF)),
        client(command(b"\x19\7\0\0\0") + command(EXECUTE)),
        server(chain(OK)),
    )
    assert kept.requests() == ["COM_STMT_PREPARE", ""]


@pytest.mark.parametrize(
    "attributes",
    [
        b"\0\1",
        b"\1\1\0\1\xfe\0\4name\5value",
        b"\2\1\1\1\x03\0\1a\x08\0\1b" + bytes(8),
        b"\1\1\0\1\x0c\0\1t\4\xe8\7\1\1",
    ],
)
def test_attributes_stand_before_the_statement(attributes: bytes) -> None:
    opening = (server(greeting()), client(login(ATTRIBUTES | DEPRECATE_EOF)), server(packet(2, OK)))
    kept = converse((*opening, client(command(b"\3" + attributes + b"DELETE FROM t")), server(chain(OK))))
    assert kept.requests() == ["DELETE"]


def test_login_is_no_request() -> None:
    assert converse((server(greeting()), client(login(0)), server(packet(2, ERROR)))).exchanges == []


def test_encrypted_connection_is_left_to_its_turns() -> None:
    request = packet(1, (0x200 | SSL).to_bytes(4, "little") + bytes(28))
    kept = converse(
        (server(greeting()), client(request), client(HELLO), server(HELLO), client(b"\x17\x03\x03\0\x05abcde"))
    )
    assert kept.protocols[0] == "mysql"
    assert kept.unparsable_protocols == []
    assert all(exchange.request is None or not exchange.request.operation.name for exchange in kept.exchanges)


def test_compressed_connection_is_left_to_its_turns() -> None:
    noise = bytes(range(7, 60))
    opening = (server(greeting()), client(login(COMPRESS)), server(packet(2, OK)))
    kept = converse((*opening, client(noise), server(noise), client(noise), server(noise)))
    assert kept.protocols[0] == "mysql"
    assert set(kept.requests()) == {""}
    assert kept.unparsable_protocols == []


def test_joined_within_rows_is_understood_at_the_next_command() -> None:
    rest = server(chain(ROW, ROW, EOF, first=40)[5:])
    kept = converse((rest, SELECT, server(chain(b"\1", COLUMN, EOF, ROW, EOF)), SELECT, server(chain(OK))), sure=False)
    assert kept.requests()[-2:] == ["SELECT", "SELECT"]


def test_lost_rows_end_an_answer_at_the_next_one() -> None:
    answer = chain(b"\1", COLUMN, EOF, ROW, ROW, EOF)
    kept = logged_in(
        *(SELECT, server(answer[:50]), Step(1, lost=len(answer) - 50)),
        *(SELECT, server(chain(OK))) * 4,
    )
    assert kept.requests() == ["SELECT"] * 5
    assert kept.exchanges[-1].timed


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"\x01\0\0\0\x01\0\0\0", b""),
        (b"\x09\0\0\0\x03nonsense", b"\x05\0\0\x01hello"),
        (b"", b"\x10\0\0\0\x0ahello there 123"),
        (b"\x3f\0\0\0\x03\0\0\0\0\0\0\0\xdd\x07\0\0", b"\x26\0\0\0\x01\0\0\0\x03\0\0\0"),
    ],
)
def test_others_are_told_apart(asked: bytes, told: bytes) -> None:
    assert match(asked, told) is not Match.YES


def test_every_sample_is_known_by_its_first_bytes() -> None:
    assert all(match(b"", sample.steps[0].payload) is Match.YES for sample in SAMPLES)
