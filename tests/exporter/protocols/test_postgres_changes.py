"""What a PostgreSQL connection changes: rows, money, and what a rollback takes back."""

import struct
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols import PROTOCOLS
from exporter.protocols.base import without_values
from tests.exporter.protocols.conversing import STREAMED, Kept, Step, client, converse, counts, server, sums
from tests.exporter.protocols.samples import PG_LOGIN, pg

READY, IN_TRANSACTION, FAILED = (pg(b"Z", status) for status in (b"I", b"T", b"E"))
PARSED, BOUND = pg(b"1"), pg(b"2")
SYNC, EXECUTE = pg(b"S"), pg(b"E", b"\0\0\0\0\0")
INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC, TEXT = 21, 23, 20, 700, 701, 1700, 25
INSERT = b"INSERT INTO orders (customer, total, currency) VALUES "


def done(tag: str) -> bytes:
    return pg(b"C", tag.encode() + b"\0")


def asked(statement: bytes, answer: bytes) -> list[Step]:
    return [client(pg(b"Q", statement + b"\0")), server(answer)]


def parse(statement: bytes, types: Sequence[int] = (), name: bytes = b"") -> bytes:
    oids = b"".join(struct.pack("!I", each) for each in types)
    return pg(b"P", name + b"\0" + statement + b"\0" + struct.pack("!H", len(types)) + oids)


def bind(values: Sequence[bytes | None], formats: Sequence[int] = (), name: bytes = b"") -> bytes:
    body = b"\0" + name + b"\0" + struct.pack("!H", len(formats)) + b"".join(struct.pack("!H", f) for f in formats)
    body += struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return pg(b"B", body + b"\0\0")


def talk(*steps: Sequence[Step]) -> Kept:
    return converse([*PG_LOGIN, *(step for part in steps for step in part)])


def test_literals_add_up_exactly() -> None:
    statement = INSERT + b"(1, 12.10, 'EUR'), (2, '0.20', 'USD'), (3, -2.00, 'EUR'), (4, NULL, 'EUR')"
    kept = talk(asked(statement, done("INSERT 0 4") + READY))
    assert counts(kept) == {"INSERT": 4}
    assert sums(kept) == {("total", "EUR"): Decimal("10.10"), ("total", "USD"): Decimal("0.20")}
    assert kept.changes[0].unread == 0


def test_failed_statement_changes_nothing() -> None:
    error = pg(b"E", b"SERROR\0C23505\0\0")
    assert talk(asked(INSERT + b"(1, 5, 'EUR')", error + READY)).changes == []


def test_what_touched_no_row_changes_nothing() -> None:
    kept = talk(
        asked(INSERT + b"(1, 5, 'EUR') ON CONFLICT DO NOTHING", done("INSERT 0 0") + READY),
        asked(b"UPDATE orders SET total = 5 WHERE id = 9", done("UPDATE 0") + READY),
        asked(b"DELETE FROM orders", done("DELETE 0") + READY),
    )
    assert kept.changes == []


def test_rows_that_were_not_all_taken_leave_the_sum_alone() -> None:
    statement = INSERT + b"(1, 5, 'EUR'), (2, 7, 'EUR') ON CONFLICT DO NOTHING"
    kept = talk(asked(statement, done("INSERT 0 1") + READY))
    assert counts(kept) == {"INSERT": 1}
    assert sums(kept) == {}
    assert kept.changes[0].unread == 2


def test_updates_and_deletions_are_one_event_each() -> None:
    kept = talk(
        asked(b"UPDATE orders SET total = 5.50, note = 'a, total = 9' WHERE id < 3", done("UPDATE 2") + READY),
        asked(b"DELETE FROM orders", done("DELETE 7") + READY),
    )
    assert counts(kept) == {"UPDATE": 1, "DELETE": 1}
    assert sums(kept) == {("total", ""): Decimal("11.00")}


def test_transaction_counts_at_its_commit_and_not_at_its_rollback() -> None:
    begin = asked(b"BEGIN", done("BEGIN") + IN_TRANSACTION)
    insert = asked(INSERT + b"(1, 5, 'EUR')", done("INSERT 0 1") + IN_TRANSACTION)
    open_end = talk(begin, insert)
    assert open_end.changes == []
    rolled_back = talk(begin, insert, insert, asked(b"ROLLBACK", done("ROLLBACK") + READY))
    assert rolled_back.changes == []
    committed = talk(begin, insert, insert, asked(b"COMMIT", done("COMMIT") + READY))
    assert counts(committed) == {"INSERT": 2}
    assert sums(committed) == {("total", "EUR"): Decimal(10)}


def test_commit_of_a_failed_transaction_is_a_rollback() -> None:
    error = pg(b"E", b"SERROR\0C23505\0\0")
    kept = talk(
        asked(b"BEGIN", done("BEGIN") + IN_TRANSACTION),
        asked(INSERT + b"(1, 5, 'EUR')", done("INSERT 0 1") + IN_TRANSACTION),
        asked(INSERT + b"(1, 5, 'EUR')", error + FAILED),
        asked(b"COMMIT", done("ROLLBACK") + READY),
    )
    assert kept.changes == []


def test_savepoint_takes_back_only_what_came_after_it() -> None:
    error = pg(b"E", b"SERROR\0C23505\0\0")
    kept = talk(
        asked(b"BEGIN", done("BEGIN") + IN_TRANSACTION),
        asked(INSERT + b"(1, 5, 'EUR')", done("INSERT 0 1") + IN_TRANSACTION),
        asked(b'SAVEPOINT "s1"', done("SAVEPOINT") + IN_TRANSACTION),
        asked(INSERT + b"(1, 7, 'EUR')", done("INSERT 0 1") + IN_TRANSACTION),
        asked(INSERT + b"(1, 7, 'EUR')", error + FAILED),
        asked(b'ROLLBACK TO SAVEPOINT "s1"', done("ROLLBACK") + IN_TRANSACTION),
        asked(INSERT + b"(1, 11, 'EUR')", done("INSERT 0 1") + IN_TRANSACTION),
        asked(b'RELEASE SAVEPOINT "s1"', done("RELEASE") + IN_TRANSACTION),
        asked(b"COMMIT", done("COMMIT") + READY),
    )
    assert sums(kept) == {("total", "EUR"): Decimal(16)}


def test_several_statements_in_one_text() -> None:
    text = b"BEGIN; " + INSERT + b"(1, 5, 'a;b'); SELECT 1; " + INSERT + b"(1, 7, 'EUR'); COMMIT;"
    answer = done("BEGIN") + done("INSERT 0 1") + done("SELECT 1") + done("INSERT 0 1") + done("COMMIT") + READY
    kept = talk(asked(text, answer))
    assert counts(kept) == {"INSERT": 2}
    assert sums(kept) == {("total", ""): Decimal(5), ("total", "EUR"): Decimal(7)}


def test_texts_sent_together_fail_together() -> None:
    text = INSERT + b"(1, 5, 'EUR'); " + INSERT + b"(1, 7, 'EUR')"
    answer = done("INSERT 0 1") + pg(b"E", b"SERROR\0C23505\0\0") + READY
    assert talk(asked(text, answer)).changes == []


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (INT2, struct.pack("!h", -7), "-7"),
        (INT4, struct.pack("!i", 70_000), "70000"),
        (INT8, struct.pack("!q", 1 << 40), str(1 << 40)),
        (FLOAT4, struct.pack("!f", 19.99), "19.99"),
        (FLOAT8, struct.pack("!d", 19.99), "19.99"),
        (NUMERIC, struct.pack("!HhHH2H", 2, 0, 0, 2, 1234, 5600), "1234.56"),
        (NUMERIC, struct.pack("!HhHH1H", 1, 1, 0x4000, 0, 3), "-30000"),
        (NUMERIC, struct.pack("!HhHH1H", 1, -1, 0, 2, 500), "0.05"),
        (TEXT, b"3.50", "3.50"),
    ],
)
def test_binary_parameters(kind: int, value: bytes, number: str) -> None:
    statement = b"INSERT INTO orders (total, currency) VALUES ($1, $2)"
    request = parse(statement, (kind, TEXT)) + bind((value, b"CHF"), (1, 1)) + EXECUTE + SYNC
    kept = talk([client(request), server(PARSED + BOUND + done("INSERT 0 1") + READY)])
    assert sums(kept) == {("total", "CHF"): Decimal(number)}


def test_types_that_only_the_description_tells() -> None:
    prepare = parse(b"INSERT INTO o (id, qty) VALUES (default, $1::int)", (0,), b"s") + pg(b"D", b"Ss\0") + SYNC
    described = PARSED + pg(b"t", struct.pack("!HI", 1, INT4)) + pg(b"n") + READY
    execute = bind((struct.pack("!i", 3),), (1,), b"s") + EXECUTE + SYNC
    runs = [client(execute), server(BOUND + done("INSERT 0 1") + READY)]
    kept = talk([client(prepare), server(described)], runs, runs)
    assert sums(kept) == {("quantity", ""): Decimal(6)}


def test_binary_parameter_of_an_unknown_type_counts_as_unread() -> None:
    request = parse(b"INSERT INTO o (total) VALUES ($1)") + bind((struct.pack("!i", 3),), (1,)) + EXECUTE + SYNC
    kept = talk([client(request), server(PARSED + BOUND + done("INSERT 0 1") + READY)])
    assert (counts(kept), sums(kept), kept.changes[0].unread) == ({"INSERT": 1}, {}, 1)


def test_null_parameter_is_no_field() -> None:
    request = parse(b"INSERT INTO o (total) VALUES ($1)") + bind((None,)) + EXECUTE + SYNC
    kept = talk([client(request), server(PARSED + BOUND + done("INSERT 0 1") + READY)])
    assert (sums(kept), kept.changes[0].unread) == ({}, 0)


def test_pipelined_executions_fail_together() -> None:
    one = parse(b"INSERT INTO o (total) VALUES ($1)") + bind((b"5",)) + EXECUTE
    error = pg(b"E", b"SERROR\0C23505\0\0")
    failed = [client(one * 3 + SYNC), server((PARSED + BOUND + done("INSERT 0 1")) * 2 + error + READY)]
    fine = [client(one * 2 + SYNC), server((PARSED + BOUND + done("INSERT 0 1")) * 2 + READY)]
    assert sums(talk(failed, fine)) == {("total", ""): Decimal(10)}


def test_copied_rows_count_where_they_come_in() -> None:
    copying = [client(pg(b"Q", b"COPY orders FROM STDIN\0")), server(pg(b"G", b"\0\0\0"))]
    rows = [client(pg(b"d", b"1\t2\n") * 3 + pg(b"c")), server(done("COPY 3") + READY)]
    out = asked(b"COPY orders TO STDOUT", pg(b"H", b"\0\0\0") + pg(b"d", b"1\n") + done("COPY 1") + READY)
    assert counts(talk(copying, rows, out)) == {"COPY": 3}


def test_statement_prepared_before_the_capture_still_counts_its_rows() -> None:
    execute = bind((b"5",), name=b"s7") + EXECUTE + SYNC
    kept = converse([client(execute), server(BOUND + done("INSERT 0 2") + READY)], sure=False)
    assert counts(kept) == {"INSERT": 2}


def test_numbers_that_were_lost_leave_the_event() -> None:
    long = INSERT + b"(1, 5, '" + b"x" * 5000 + b"')"
    whole = pg(b"Q", long + b"\0")
    steps = [client(whole[:3000]), Step(0, lost=len(whole) - 3000), server(done("INSERT 0 1") + READY)]
    kept = talk(steps, asked(INSERT + b"(1, 7, 'EUR')", done("INSERT 0 1") + READY))
    assert kept.requests() == ["INSERT", "INSERT"]
    assert counts(kept) == {"INSERT": 2}
    assert sums(kept) == {("total", "EUR"): Decimal(7)}
    assert kept.changes[0].unread == 1


BULK = b"".join(
    (
        pg(b"Q", INSERT + b",".join(b"(%d, %d.25, 'EUR')" % (n, n) for n in range(200)) + b"\0"),
        parse(b"INSERT INTO o (total) VALUES ($1)", (TEXT,)) + bind((b"5" * 3,)) + EXECUTE + SYNC,
    )
)


@given(cuts=st.sets(st.integers(1, len(BULK) - 1), max_size=8))
def test_cutting_the_bytes_changes_no_sum(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(BULK)]
    answer = server(done("INSERT 0 200") + READY + PARSED + BOUND + done("INSERT 0 1") + READY)
    kept = talk([client(BULK[a:b]) for a, b in pairwise(edges)], [answer])
    assert sums(kept) == {
        ("total", "EUR"): Decimal(sum(range(200))) + Decimal("0.25") * 200,
        ("total", ""): Decimal(555),
    }


def test_without_values_no_number_is_read() -> None:
    insert = asked(INSERT + b"(1, 5, 'EUR')", done("INSERT 0 1") + READY)
    specs = tuple(spec for spec in without_values(PROTOCOLS) if "tcp" in spec.transports)
    kept = converse([*PG_LOGIN, *insert], specs=specs)
    assert len(specs) == len(STREAMED)
    assert (counts(kept), sums(kept)) == ({"INSERT": 1}, {})
