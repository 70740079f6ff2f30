"""How many statements are read as they should, and how fast, beside SQL libraries: `python -m benchmarks.statements`.

Those of the tests' table, of several dialects. `sqlglot` and `sqlparse` are measured as well where they are installed,
each asked for verb and table in the usual way: the parsed tree's statement and its first table, the tokens' first name.
"""

import argparse
import importlib
import importlib.util
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from exporter.model import Operation
from exporter.protocols import sql
from tests.exporter.protocols.statements import STATEMENTS, Statement

ROUNDS = 5
Reader = Callable[[Statement], Operation]
COMMANDS = {"TRUNCATETABLE": "TRUNCATE", "TRANSACTION": "BEGIN", "USE": "USE", "UNION": "SELECT"}


@dataclass(frozen=True, slots=True)
class Result:
    """What a reader makes of the statements; of those with a table, how many tables were right."""

    right: int
    verbs: int
    tables: int
    statements: int
    with_table: int
    microseconds: float


def own(statement: Statement) -> Operation:
    """Read a statement as the exporter does."""
    return sql.operation_of(statement.text.encode(), statement.escapes)


def sqlglot_reader() -> Reader:
    """Return how `sqlglot` reads: verb by the class of the tree, table by the first one of its own clause."""
    glot = importlib.import_module("sqlglot")
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

    def read(statement: Statement) -> Operation:
        try:
            tree = glot.parse_one(statement.text, dialect="mysql" if statement.escapes else "postgres")
        except (glot.errors.SqlglotError, RecursionError):
            return Operation("OTHER")
        common = {one.alias for one in tree.find_all(glot.exp.CTE)}
        tables = [one.name for one in tree.find_all(glot.exp.Table) if one.name not in common]
        verb = type(tree).__name__.upper()
        verb = tree.name.upper() if verb == "COMMAND" else COMMANDS.get(verb, verb)
        return Operation(verb, tables[0] if tables else "")

    return read


def sqlparse_reader() -> Reader:
    """Return how `sqlparse` reads: verb by its own judgement, table by the first name behind a keyword for one."""
    parse = importlib.import_module("sqlparse")

    def read(statement: Statement) -> Operation:
        parsed = parse.parse(statement.text)
        if not parsed:
            return Operation("EMPTY")
        behind = False
        for token in parsed[0].flatten():
            if token.is_keyword:
                behind = token.normalized in ("FROM", "INTO", "UPDATE", "JOIN", "TABLE")
            elif behind and token.ttype in parse.tokens.Name:
                return Operation(parsed[0].get_type(), token.value.strip('"`'))
        return Operation(parsed[0].get_type())

    return read


def readers() -> Mapping[str, Reader]:
    """Return what can read statements here."""
    found: dict[str, Reader] = {"larimar": own}
    for name, reader in (("sqlglot", sqlglot_reader), ("sqlparse", sqlparse_reader)):
        if importlib.util.find_spec(name) is not None:
            found[name] = reader()
    return found


def measure(read: Reader) -> Result:
    """Read all statements, a number of times; each time they are new to it."""
    told = [read(statement) for statement in STATEMENTS]
    verbs = [one.name == wanted.verb for one, wanted in zip(told, STATEMENTS, strict=True)]
    tables = [one.target.lower() == wanted.table.lower() for one, wanted in zip(told, STATEMENTS, strict=True)]
    best = float("inf")
    for number in range(ROUNDS):
        fresh = [Statement(f"{one.text} -- {number}", one.verb, one.table, one.escapes) for one in STATEMENTS]
        started = time.perf_counter()
        for statement in fresh:
            read(statement)
        best = min(best, time.perf_counter() - started)
    with_table = [right for right, wanted in zip(tables, STATEMENTS, strict=True) if wanted.table]
    both = sum(verb and table for verb, table in zip(verbs, tables, strict=True))
    spent = best / len(STATEMENTS) * 1e6
    return Result(both, sum(verbs), sum(with_table), len(STATEMENTS), len(with_table), spent)


def main() -> None:
    """Print a table, or one object by reader."""
    parser = argparse.ArgumentParser(description="How many statements are read as they should, and how fast.")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    found = {name: measure(read) for name, read in readers().items()}
    if arguments.json:
        print(json.dumps({name: asdict(result) for name, result in found.items()}))
        return
    print(f"{'reader':10} {'right':>9} {'verbs':>9} {'tables':>9} {'us each':>9}")
    for name, one in found.items():
        shares = (
            f"{one.right:4}/{one.statements:<4} {one.verbs:4}/{one.statements:<4} {one.tables:4}/{one.with_table:<4}"
        )
        print(f"{name:10} {shares} {one.microseconds:9.2f}")


if __name__ == "__main__":
    main()
