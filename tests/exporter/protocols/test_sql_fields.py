"""The numbers that SQL statements write, however they are written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.sql_fields import Fields, inserted, updated
from exporter.protocols.sql_text import Dialect, split

PG, MY = Dialect.POSTGRESQL, Dialect.MYSQL
HEAD = b"INSERT INTO orders (id, total, currency, note) VALUES "
Sums = dict[tuple[str, str], Decimal]


def sums(fields: Fields | None) -> Sums:
    assert fields is not None
    return {(each.field, each.currency): each.total - each.negative for each in fields.sums().amounts()}


@pytest.mark.parametrize("dialect", [PG, MY])
@pytest.mark.parametrize(
    "rows",
    [
        b"(1, 2.50, 'EUR', 'x'), (2, 7.50, 'EUR', now())",
        b"(1,2.50,'EUR',NULL),(2,7.50,'EUR',default) RETURNING id",
        b"(1, 2.50, 'EUR', 'it''s, (so)'), (2, 7.50, 'EUR', coalesce(1, (2)))",
        b"(1, 2.50, 'EUR', 'x') -- (9, 9, 'EUR', 'y')\n, (2, 7.50, 'EUR', 'x')",
        b"(1, 2.50, 'EUR', /* , 8 */ 'x'), (2, '7.50', 'EUR', 'x') ON CONFLICT (id) DO NOTHING",
        b"(1, 2.5e0, 'EUR', 'x'), (2, +7.50, 'EUR', 'x');",
    ],
)
def test_rows_of_literals(dialect: Dialect, rows: bytes) -> None:
    fields = inserted(HEAD + rows, dialect, True)
    assert sums(fields) == {("total", "EUR"): Decimal(10)}
    assert fields is not None
    assert (fields.rows, fields.literals.unread) == (2, 0)


def test_strings_end_as_the_dialect_says() -> None:
    assert sums(inserted(HEAD + rb"(1, 5, 'EUR', 'C:\'), (2, 6, 'EUR', 'x')", PG, True)) == {("total", "EUR"): 11}
    assert sums(inserted(HEAD + rb"(1, 5, 'EUR', 'a\'), (9, 9, '), (2, 6, 'EUR', 'x')", MY, True)) == {
        ("total", "EUR"): 11
    }
    assert sums(inserted(HEAD + rb"(1, 5, 'EUR', E'a\'), (9, 9, '), (2, 6, 'EUR', $$),($$)", PG, True)) == {
        ("total", "EUR"): 11
    }


def test_expressions_count_as_unread() -> None:
    fields = inserted(HEAD + b"(1, 5 * 2, 'EUR', 'x'), (2, 7, 'EUR', 'x')", PG, True)
    assert sums(fields) == {("total", "EUR"): Decimal(7)}
    assert fields is not None
    assert fields.literals.unread == 1


@pytest.mark.parametrize(
    "statement",
    [
        b"INSERT INTO orders VALUES (1, 2)",
        b"INSERT INTO orders (id, note) VALUES (1, 2)",
        b"INSERT INTO orders (total) SELECT 5",
        b"INSERT INTO orders DEFAULT VALUES",
        b"INSERT",
        b"",
    ],
)
def test_statements_without_such_fields(statement: bytes) -> None:
    assert inserted(statement, PG, True) is None


def test_update_sets_what_is_absolute() -> None:
    statement = (
        b"UPDATE o SET total = 5.50, quantity = quantity - 1, note = 'total = 9', currency = 'CHF' WHERE price = 3"
    )
    assert sums(updated(statement, PG, True)) == {("total", "CHF"): Decimal("5.50")}
    assert updated(b"UPDATE o SET quantity = quantity - 1", PG, True) is None


def test_texts_are_split_at_semicolons_outside_of_quotes() -> None:
    text = b"BEGIN; INSERT INTO t VALUES ('a;b', $x$;$x$); /* ; */ COMMIT ;; "
    assert split(text, PG) == [b"BEGIN", b" INSERT INTO t VALUES ('a;b', $x$;$x$)", b" /* ; */ COMMIT "]


TEXT = st.text("()',;$?-*/=\"\\`ae1. \n", max_size=60).map(str.encode)


@given(TEXT, st.sampled_from([PG, MY]))
def test_anything_is_survived(text: bytes, dialect: Dialect) -> None:
    for statement in (HEAD + text, HEAD + b"(1, 2, 'EUR', " + text):
        fields = inserted(statement, dialect, True)
        assert fields is not None
        fields.sums()
    updated(b"UPDATE t SET total = 5, price = " + text, dialect, True)
    split(text, dialect)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40), st.booleans())
def test_sums_are_exact(cents: list[int], plain: bool) -> None:
    note = "'x'" if plain else "f('x', 1)"
    rows = ", ".join(f"(1, {Decimal(each) / 100}, 'EUR', {note})" for each in cents)
    assert sums(inserted(HEAD + rows.encode(), PG, True)) == {("total", "EUR"): Decimal(sum(cents)) / 100}
