"""What a SQL statement is to change, and what it means to the transaction that it belongs to."""

import re
from dataclasses import dataclass
from enum import Enum

from exporter.model import UNKNOWN_OPERATION, Operation
from exporter.protocols import sql
from exporter.protocols.sql_fields import Fields, inserted, updated
from exporter.protocols.sql_text import Dialect, split


class Intent(Enum):
    """What a statement is."""

    OTHER = "other"
    WRITE = "write"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    ROLLBACK_TO = "rollback to a savepoint"
    RELEASE = "release of a savepoint"


VERBS = {
    **dict.fromkeys(("INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "COPY", "WITH", "LOAD"), Intent.WRITE),
    **dict.fromkeys(("BEGIN", "START"), Intent.BEGIN),
    **dict.fromkeys(("COMMIT", "END"), Intent.COMMIT),
    **dict.fromkeys(("ROLLBACK", "ABORT"), Intent.ROLLBACK),
    "SAVEPOINT": Intent.SAVEPOINT,
    "RELEASE": Intent.RELEASE,
}
READERS = {"INSERT": inserted, "REPLACE": inserted, "UPDATE": updated}
# Statements up to this length are looked through for numbers; with a longer one the fields count as unread.
MAX_STATEMENT_BYTES = 16 << 10
# Texts with parameters come again and again; those with literals never do.
CACHED_TEXTS = 512
LONGEST_CACHED_BYTES = 2048
MAX_STATEMENTS = 256

_NAME = re.compile(rb"(?:SAVEPOINT|RELEASE|TO)\s+(?:SAVEPOINT\s+)?[\"`]?([^\s\"`;]{1,128})", re.IGNORECASE)
_BACK = re.compile(rb"\bTO\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        operation: what it does.
        savepoint: the name of the one that it sets, releases or goes back to; empty for the last one.
        fields: the numbers that it writes; None if it writes none that mean anything.
    """

    intent: Intent
    operation: Operation
    savepoint: bytes = b""
    fields: Fields | None = None


OTHER = Statement(Intent.OTHER, UNKNOWN_OPERATION)


def may_change(operation: Operation) -> bool:
    """Return whether statements of that verb change anything, or end what was changed."""
    return operation.name in VERBS


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text is read.

    Attributes:
        whole: whether it is there to its end.
        values: whether the numbers that it writes are looked for.
    """

    dialect: Dialect
    whole: bool = True
    values: bool = True


def statements_of(text: bytes, operation: Operation, reading: Reading) -> tuple[Statement, ...]:
    """Return what each statement of a text is; nothing if none changes anything. `operation` is that of the first."""
    if b";" not in text or b";" not in text.rstrip(b"; \r\n\t\0"):
        return (statement_of(text, operation, reading),) if operation.name in VERBS else ()
    parts = split(text, reading.dialect)[:MAX_STATEMENTS]
    escapes = reading.dialect is Dialect.MYSQL
    found = tuple(statement_of(part, sql.operation_of(part, escapes), reading) for part in parts)
    return found if any(each.intent is not Intent.OTHER for each in found) else ()


def statement_of(text: bytes, operation: Operation, reading: Reading) -> Statement:
    """Return what one statement is."""
    intent = VERBS.get(operation.name, Intent.OTHER)
    if intent is Intent.WRITE:
        if not reading.values or operation.name not in READERS:
            return Statement(intent, operation)
        repeated = len(text) <= LONGEST_CACHED_BYTES and (b"$" in text or b"?" in text)
        return (_remembered if repeated else _written)(text, operation, reading)
    if intent is Intent.OTHER:
        return OTHER
    if intent is Intent.ROLLBACK and _BACK.search(text):
        intent = Intent.ROLLBACK_TO
    name = _NAME.search(text)
    return Statement(intent, operation, name[1].lower() if name is not None else b"")


def _written(text: bytes, operation: Operation, reading: Reading) -> Statement:
    return Statement(Intent.WRITE, operation, fields=READERS[operation.name](text, reading.dialect, reading.whole))


def _remembered(text: bytes, operation: Operation, reading: Reading) -> Statement:
    """Read a text once; it may hold literals, so it is known by what only this process hashes it to.

    The operation follows from the text; hashing it, or the reading itself, takes longer than what is found by it.
    """
    digest = hash((text, reading.dialect is Dialect.MYSQL, reading.whole, reading.values))
    statement = _latest.get(digest)
    if statement is None:
        if len(_latest) >= CACHED_TEXTS:
            _latest.clear()
        statement = _latest[digest] = _written(text, operation, reading)
    return statement


_latest: dict[int, Statement] = {}
