"""What a PostgreSQL connection changes, from the statement to the end of its transaction.

Autocommitted statements count at once, those of a transaction when it is committed; what is prepared for a commit in
two phases counts when it is prepared.
"""

from dataclasses import dataclass

from exporter.model import Change, Operation
from exporter.protocols import sql
from exporter.protocols.postgres_values import Bound, types_of
from exporter.protocols.sql_intents import Intent, Reading, Statement, may_change, statement_of, statements_of
from exporter.protocols.sql_text import Dialect
from exporter.protocols.transaction import Planned, Transaction, change_of, plan

MAX_NAMED = 1024  # prepared statements, or portals, that change something
MAX_DESCRIBED = 256
IDLE = b"I"
WRITES = frozenset((b"INSERT", b"UPDATE", b"DELETE", b"MERGE", b"COPY"))
BOTH = (False, True)
READINGS = {(whole, values): Reading(Dialect.POSTGRESQL, whole, values) for whole in BOTH for values in BOTH}


@dataclass(slots=True)
class _Prepared:
    """A prepared statement; the types of its parameters become known when it is described."""

    statement: Statement
    types: tuple[int, ...]


class PostgresChanges:
    """The state of one connection.

    Args:
        values: whether the numbers that statements write are looked for.

    Attributes:
        active: whether anything that changes something was prepared.
        open: whether a rollback could still undo something.
    """

    __slots__ = ("_bound", "_described", "_failed", "_prepared", "_transaction", "_values", "active", "open")

    def __init__(self, values: bool) -> None:
        self._values = values
        self._prepared: dict[bytes, _Prepared] = {}
        self._bound: dict[bytes, Planned] = {}
        self._described: list[bytes] = []
        self._transaction = Transaction()
        self._failed = False  # since the server was last ready
        self.active = False
        self.open = False

    def asked(self, text: bytes, operation: Operation, whole: bool) -> tuple[Planned, ...]:
        """Return what the statements of a simple query are to change."""
        return tuple([plan(each) for each in statements_of(text, operation, READINGS[whole, self._values])])

    def parse(self, name: bytes, text: bytes, operation: Operation, whole: bool, types: bytes) -> None:
        """A statement is prepared; `types` are those of its parameters as Parse gives them."""
        self._prepared.pop(name, None)
        if not may_change(operation):
            return
        self.active = True
        if len(self._prepared) >= MAX_NAMED:
            del self._prepared[next(iter(self._prepared))]
        statement = statement_of(text, operation, READINGS[whole, self._values])
        # Nobody asks for the types of what is not summed.
        self._prepared[name] = _Prepared(statement, types_of(types) if statement.fields is not None else ())

    def describe(self, name: bytes) -> None:
        """The types of a prepared statement are asked for."""
        if len(self._described) < MAX_DESCRIBED:
            self._described.append(name)

    def typed(self, message: bytes) -> None:
        """The server tells the types of the statement that was described first."""
        prepared = self._prepared.get(self._described.pop(0)) if self._described else None
        if prepared is not None:
            prepared.types = types_of(message)

    def is_numeric(self, name: bytes) -> bool:
        """Return whether a binding of a statement holds numbers to be summed."""
        prepared = self._prepared.get(name)
        return prepared is not None and prepared.statement.fields is not None

    def bind(self, portal: bytes, name: bytes, message: bytes) -> None:
        """A prepared statement is given its parameters."""
        prepared = self._prepared.get(name)
        self._bound.pop(portal, None)
        if prepared is None:
            return
        if len(self._bound) >= MAX_NAMED:
            del self._bound[next(iter(self._bound))]
        statement = prepared.statement
        summed = statement.fields is not None
        self._bound[portal] = plan(statement, Bound(message, prepared.types)) if summed else Planned(statement, None)

    def executed(self, portal: bytes) -> tuple[Planned, ...]:
        """Return what the execution of a portal is to change."""
        planned = self._bound.get(portal)
        return (planned,) if planned is not None else ()

    def told(self, tag: bytes, planned: Planned | None) -> tuple[Change, ...]:
        """Take a command's tag; return what has become certain by it."""
        words = tag.split(b" ")
        verb = words[0]
        if verb in WRITES:
            self._wrote(verb, int(words[-1]) if words[-1].isdigit() else 0, planned)
        elif verb == b"COMMIT":
            return self._end()
        elif verb in (b"ROLLBACK", b"SAVEPOINT", b"RELEASE"):
            statement = planned.statement if planned is not None else None
            self._go_back(verb, statement)
        return ()

    def fail(self) -> None:
        """A statement failed."""
        self._failed = True
        self._described.clear()

    def ready(self, status: bytes) -> tuple[Change, ...]:
        """The server is ready again; return what has become certain."""
        failed, self._failed = self._failed, False
        if status != IDLE:
            return ()
        if failed:  # what was sent together, outside of a transaction, fails together
            self.forget()
            return ()
        return self._end()

    def forget(self) -> None:
        """Messages were lost, or nothing of it happened."""
        self._transaction.discard()
        self._described.clear()
        self.open = False

    def _wrote(self, verb: bytes, rows: int, planned: Planned | None) -> None:
        if planned is None or planned.statement.operation.name.encode() != verb:
            planned = Planned(Statement(Intent.WRITE, sql.OPERATIONS[verb]), None)
        change = change_of(planned, rows)
        if change is not None:
            self._transaction.add(change)
            self.open = True

    def _go_back(self, verb: bytes, statement: Statement | None) -> None:
        name = statement.savepoint if statement is not None else b""
        if verb == b"SAVEPOINT":
            self._transaction.mark(name)
        elif verb == b"RELEASE":
            self._transaction.release(name)
        elif statement is not None and statement.intent is Intent.ROLLBACK_TO:
            self._transaction.back_to(name)
        else:
            self.forget()

    def _end(self) -> tuple[Change, ...]:
        self.open = False
        return self._transaction.commit()
