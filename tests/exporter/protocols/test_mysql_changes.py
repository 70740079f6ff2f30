"""What a MySQL connection changes: rows, money, and what a rollback takes back."""

import struct
from collections.abc import Sequence
from decimal import Decimal

import pytest

from tests.exporter.protocols.conversing import Kept, Step, client, converse, counts, server, sums
from tests.exporter.protocols.samples_mysql import CLASSIC, COLUMN, EOF, MODERN, chain, command, greeting

DECIMAL, LONG, FLOAT, DOUBLE, LONGLONG, TINY, SHORT, STRING = 246, 3, 4, 5, 8, 1, 2, 254
ERROR = b"\xff\x7a\x04#23000Duplicate"
DEADLOCK = b"\xff\xbd\x04#40001Deadlock"
INSERT = b"INSERT INTO orders (customer, total, currency) VALUES "


def ok(rows: int = 0, in_transaction: bool = False, more: bool = False) -> bytes:
    return bytes((0, rows, 0, 2 | in_transaction | more << 3, 0, 0, 0))


def asked(statement: bytes, *answers: bytes) -> list[Step]:
    return [client(command(b"\x03" + statement)), server(chain(*answers))]


def prepare(statement: bytes, parameters: int) -> list[Step]:
    definitions = (*(COLUMN,) * parameters, EOF) if parameters else ()
    answer = b"\0\7\0\0\0\0\0" + parameters.to_bytes(2, "little") + b"\0\0\0"
    return [client(command(b"\x16" + statement)), server(chain(answer, *definitions))]


def execute(types: Sequence[int], values: bytes, rows: int = 1, absent: int = 0) -> list[Step]:
    told = b"\1" + b"".join(bytes((kind, 0)) for kind in types) if types else b"\0"
    body = b"\x17\7\0\0\0\0\1\0\0\0" + bytes((absent,)) + told + values
    return [client(command(body)), server(chain(ok(rows)))]


def text(value: bytes) -> bytes:
    return bytes((len(value),)) + value


def talk(*steps: Sequence[Step], login: Sequence[Step] = CLASSIC) -> Kept:
    return converse([server(greeting()), *login, *(step for part in steps for step in part)])


@pytest.mark.parametrize("login", [CLASSIC, MODERN], ids=["classic", "modern"])
def test_literals_add_up_exactly(login: Sequence[Step]) -> None:
    statement = INSERT + rb"(1, 12.10, 'EUR'), (2, '0.20', 'U\'SD,'), (3, -2.00, 'EUR')"
    kept = talk(asked(statement, ok(3)), login=login)
    assert counts(kept) == {"INSERT": 3}
    assert sums(kept) == {("total", "EUR"): Decimal("10.10"), ("total", ""): Decimal("0.20")}


def test_failed_statement_changes_nothing() -> None:
    assert talk(asked(INSERT + b"(1, 5, 'EUR')", ERROR), asked(b"DELETE FROM orders", ok(0))).changes == []


def test_transaction_counts_at_its_commit_and_not_at_its_rollback() -> None:
    begin = asked(b"BEGIN", ok(in_transaction=True))
    insert = asked(INSERT + b"(1, 5, 'EUR')", ok(1, in_transaction=True))
    assert talk(begin, insert).changes == []
    assert talk(begin, insert, insert, asked(b"ROLLBACK", ok())).changes == []
    assert sums(talk(begin, insert, insert, asked(b"COMMIT", ok()))) == {("total", "EUR"): Decimal(10)}


def test_statement_that_implies_a_commit_commits() -> None:
    begin = asked(b"START TRANSACTION", ok(in_transaction=True))
    insert = asked(INSERT + b"(1, 5, 'EUR')", ok(1, in_transaction=True))
    rollback = asked(b"ROLLBACK", ok())
    assert sums(talk(begin, insert, begin, rollback)) == {("total", "EUR"): Decimal(5)}
    assert sums(talk(begin, insert, asked(b"CREATE TABLE t (a int)", ok()), rollback)) == {("total", "EUR"): Decimal(5)}


def test_error_leaves_the_transaction_but_a_deadlock_ends_it() -> None:
    begin = asked(b"BEGIN", ok(in_transaction=True))
    insert = asked(INSERT + b"(1, 5, 'EUR')", ok(1, in_transaction=True))
    commit = asked(b"COMMIT", ok())
    assert sums(talk(begin, insert, asked(INSERT + b"(1, 7, 'EUR')", ERROR), commit)) == {("total", "EUR"): Decimal(5)}
    assert talk(begin, insert, asked(INSERT + b"(1, 7, 'EUR')", DEADLOCK), commit).changes == []


def test_savepoint_takes_back_only_what_came_after_it() -> None:
    kept = talk(
        asked(b"BEGIN", ok(in_transaction=True)),
        asked(INSERT + b"(1, 5, 'EUR')", ok(1, in_transaction=True)),
        asked(b"SAVEPOINT `a`", ok(in_transaction=True)),
        asked(INSERT + b"(1, 7, 'EUR')", ok(1, in_transaction=True)),
        asked(b"ROLLBACK TO `a`", ok(in_transaction=True)),
        asked(b"COMMIT", ok()),
    )
    assert sums(kept) == {("total", "EUR"): Decimal(5)}


def test_several_statements_in_one_text() -> None:
    statement = INSERT + b"(1, 5, 'EUR'); SELECT ';'; " + INSERT + b"(1, 7, 'EUR')"
    select = (b"\1", COLUMN, EOF, b"\1x", b"\xfe\0\0\x0a\0")
    kept = talk(asked(statement, ok(1, more=True), *select, ok(1)))
    assert sums(kept) == {("total", "EUR"): Decimal(12)}


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        (DECIMAL, text(b"12.34"), "12.34"),
        (DOUBLE, struct.pack("<d", 19.99), "19.99"),
        (FLOAT, struct.pack("<f", 19.99), "19.99"),
        (LONG, struct.pack("<i", -70_000), "-70000"),
        (LONGLONG, struct.pack("<q", 1 << 40), str(1 << 40)),
        (SHORT, struct.pack("<h", 300), "300"),
        (TINY, struct.pack("<b", 3), "3"),
        (STRING, text(b"3.50"), "3.50"),
    ],
)
def test_bound_parameters(kind: int, value: bytes, number: str) -> None:
    prepared = prepare(b"INSERT INTO orders (currency, total) VALUES (?, ?)", 2)
    kept = talk(prepared, execute((STRING, kind), text(b"CHF") + value))
    assert sums(kept) == {("total", "CHF"): Decimal(number)}


def test_types_that_are_sent_once_hold_for_later_executions() -> None:
    prepared = prepare(b"INSERT INTO orders (note, total) VALUES (?, ?)", 2)
    first = execute((STRING, LONG), text(b"a") + struct.pack("<i", 5))
    later = execute((), text(b"bc") + struct.pack("<i", 7))
    absent = execute((), text(b"bc"), absent=2)
    kept = talk(prepared, first, later, absent)
    assert sums(kept) == {("total", ""): Decimal(12)}
    assert sum(change.unread for change in kept.changes) == 0


def test_value_that_is_sent_on_its_own_counts_as_unread() -> None:
    prepared = prepare(b"INSERT INTO orders (note, total) VALUES (?, ?)", 2)
    long_data = [client(command(b"\x18\7\0\0\0\0\0" + b"long text"))]
    kept = talk(prepared, long_data, execute((STRING, LONG), struct.pack("<i", 5)))
    assert (counts(kept), sums(kept), kept.changes[0].unread) == ({"INSERT": 1}, {}, 1)


def test_updates_and_deletions_are_one_event_each() -> None:
    prepared = prepare(b"UPDATE orders SET note = '?', total = ? WHERE id < ?", 2)
    kept = talk(prepared, execute((LONG, LONG), struct.pack("<ii", 5, 9), rows=3), asked(b"DELETE FROM o", ok(7)))
    assert counts(kept) == {"UPDATE": 1, "DELETE": 1}
    assert sums(kept) == {("total", ""): Decimal(15)}


def test_numbers_that_were_lost_leave_the_event() -> None:
    whole = command(b"\x03" + INSERT + b"(1, 5, '" + b"x" * 5000 + b"')")
    steps = [client(whole[:3000]), Step(0, lost=len(whole) - 3000), server(chain(ok(1)))]
    kept = talk(steps, asked(INSERT + b"(1, 7, 'EUR')", ok(1)))
    assert kept.requests() == ["INSERT", "INSERT"]
    assert (counts(kept), sums(kept)) == ({"INSERT": 2}, {("total", "EUR"): Decimal(7)})
    assert kept.changes[0].unread == 1


def test_malformed_executions_are_survived() -> None:
    prepared = prepare(b"INSERT INTO orders (note, total) VALUES (?, ?)", 2)
    for body in (b"", b"\0", b"\0\1", b"\0\1\xfe\0\3", b"\0\1\xfe\0\3\0\xff", b"\0\1\xfe\0\3\0\x20abc"):
        steps = [client(command(b"\x17\7\0\0\0\0\1\0\0\0" + body)), server(chain(ok(1)))]
        kept = talk(prepared, steps)
        assert (counts(kept), sums(kept)) == ({"INSERT": 1}, {})
