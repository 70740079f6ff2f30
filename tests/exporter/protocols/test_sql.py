import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Operation
from exporter.protocols import sql
from tests.exporter.protocols.statements import STATEMENTS, Statement

VERBS = frozenset(sql.VERBS.split()) | {"EMPTY", "OTHER"}


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.text[:40])
def test_a_statement_tells_what_it_does_and_to_which_table(statement: Statement) -> None:
    operation = sql.operation_of(statement.text.encode(), statement.escapes)
    assert (operation.name, operation.target) == (statement.verb, statement.table)


def test_a_statement_behind_common_tables_keeps_the_word_it_began_with() -> None:
    assert sql.operation_of(b"WITH x AS (SELECT 1) INSERT INTO orders SELECT * FROM x").said == "WITH"
    assert sql.operation_of(b"INSERT INTO orders SELECT 1").said == ""


def test_the_first_word_makes_no_other_operation() -> None:
    assert Operation("INSERT", "orders", "WITH") == Operation("INSERT", "orders")


@given(st.binary(max_size=300))
def test_whatever_is_asked_has_a_known_verb(statement: bytes) -> None:
    assert sql.operation_of(statement).name in VERBS


@given(st.sampled_from(STATEMENTS), st.integers(0, 200))
def test_a_statement_that_is_cut_short_gives_no_other_table(statement: Statement, cut: int) -> None:
    whole = statement.text.encode()
    part = sql.operation_of(whole[:cut], statement.escapes)
    told = {statement.table, part.target} - {""}
    assert all(name.replace("{id}", "").split("_")[0] in statement.text.lower() + statement.text for name in told)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="'\\"), min_size=6, max_size=40))
def test_no_literal_is_told(literal: str) -> None:
    for text in (f"SELECT '{literal}' FROM orders", f"INSERT INTO orders VALUES ('{literal}')", f"SELECT '{literal}'"):
        assert sql.operation_of(text.encode()).target in ("orders", "")
