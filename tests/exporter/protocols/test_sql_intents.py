"""What is remembered of SQL statements that come again and again."""

import gc
from types import ModuleType

import pytest

from exporter.protocols import sql, sql_intents
from exporter.protocols.sql_intents import CACHED_TEXTS, Intent, Reading, statements_of
from exporter.protocols.sql_text import Dialect

READING = Reading(Dialect.POSTGRESQL)
SECRET = b"whose pills?"


def held_by(module: ModuleType) -> list[bytes]:
    """Return every bytes object that can be reached from a module's own functions and data."""
    waiting: list[object] = [value for value in vars(module).values() if not isinstance(value, ModuleType)]
    seen: set[int] = set()
    found = []
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, ModuleType | type) or each is vars(module):
            continue
        seen.add(id(each))
        if isinstance(each, bytes):
            found.append(each)
        elif type(each).__name__ != "function":
            waiting.extend(gc.get_referents(each))
    return found


@pytest.mark.parametrize("value", [b"$1", b"?"])
def test_no_literal_of_a_statement_with_parameters_is_kept(value: bytes) -> None:
    text = b"INSERT INTO orders (note, total) VALUES ('" + SECRET + b"', " + value + b")"
    (found,) = statements_of(text, sql.operation_of(text, False), READING)
    assert found.intent is Intent.WRITE
    assert found.fields is not None
    assert [held for held in held_by(sql_intents) if SECRET in held] == []


def test_a_statement_that_comes_again_is_read_once() -> None:
    text = b"INSERT INTO orders (total) VALUES ($1)"
    operation = sql.operation_of(text, False)
    (first,) = statements_of(text, operation, READING)
    (again,) = statements_of(bytes(bytearray(text)), operation, READING)
    assert again is first


def test_what_is_remembered_is_bounded() -> None:
    for number in range(3 * CACHED_TEXTS):
        text = b"INSERT INTO orders (total) VALUES ($1) -- %d" % number
        statements_of(text, sql.operation_of(text, False), READING)
    assert len(sql_intents._latest) <= CACHED_TEXTS
