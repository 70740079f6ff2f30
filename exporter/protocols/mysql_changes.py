"""What a MySQL connection changes, from the statement to the end of its transaction.

Statements outside of a transaction count at once, those of one when it is committed, by a COMMIT or by a statement that
implies it.
"""

from dataclasses import dataclass

from exporter.model import Change, Operation
from exporter.protocols.mysql_values import Bound, Type
from exporter.protocols.mysql_wire import number
from exporter.protocols.sql_intents import Intent, Reading, Statement, may_change, statement_of, statements_of
from exporter.protocols.sql_text import Dialect
from exporter.protocols.transaction import Planned, Transaction, change_of, plan

MAX_PREPARED = 1024
IN_TRANSACTION = 1  # status flag
UNDONE = frozenset(("40001",))  # a deadlock rolls all of the transaction back
BOTH = (False, True)
READINGS = {(whole, values): Reading(Dialect.MYSQL, whole, values) for whole in BOTH for values in BOTH}


@dataclass(slots=True)
class _Prepared:
    """A prepared statement; the types of its parameters are sent once. `partial` tells of values sent on their own."""

    statement: Statement
    parameters: int
    types: tuple[Type, ...] = ()
    partial: bool = False


class MysqlChanges:
    """The state of one connection.

    Args:
        values: whether the numbers that statements write are looked for.

    Attributes:
        active: whether anything that changes something was prepared.
        open: whether a rollback could still undo something.
    """

    __slots__ = ("_latest", "_prepared", "_transaction", "_values", "active", "open")

    def __init__(self, values: bool) -> None:
        self._values = values
        self._prepared: dict[int, _Prepared] = {}
        self._latest: Statement | None = None
        self._transaction = Transaction()
        self.active = False
        self.open = False

    def asked(self, text: bytes, operation: Operation, whole: bool) -> tuple[Planned, ...]:
        """Return what the statements of a query are to change."""
        return tuple(plan(each) for each in statements_of(text, operation, self._reading(whole)))

    def preparing(self, text: bytes, operation: Operation, whole: bool) -> Statement | None:
        """Return a statement that is to be prepared, None if it changes nothing."""
        self._latest = statement_of(text, operation, self._reading(whole)) if may_change(operation) else None
        self.active = self.active or self._latest is not None
        return self._latest

    def prepared(self, name: int, statement: Statement | None, parameters: int) -> None:
        """Remember a prepared statement by its number."""
        self._prepared.pop(name, None)
        if statement is None:
            return
        if len(self._prepared) >= MAX_PREPARED:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[name] = _Prepared(statement, parameters)

    def close(self, name: int) -> None:
        """Forget a prepared statement."""
        self._prepared.pop(name, None)

    def part(self, name: int) -> None:
        """A parameter's value is sent on its own, before the execution."""
        prepared = self._prepared.get(name)
        if prepared is not None:
            prepared.partial = True

    def is_numeric(self, name: int) -> bool:
        """Return whether an execution of a statement holds numbers to be summed."""
        prepared = self._prepared.get(name)
        return prepared is not None and prepared.statement.fields is not None

    def executed(self, name: int, body: bytes, named: bool) -> tuple[Planned, ...]:
        """Return what an execution is to change; `named` tells whether its parameters may have names."""
        prepared = self._prepared.get(name)
        if prepared is None:
            return (plan(self._latest),) if self._latest is not None and name == LATEST else ()
        if prepared.partial or prepared.statement.fields is None:
            prepared.partial = False
            return (plan(prepared.statement),)
        bound = Bound(body, prepared.parameters, prepared.types, named)
        prepared.types = tuple(bound.types)
        return (plan(prepared.statement, bound),)

    def told(self, planned: Planned | None, body: bytes, status: int) -> tuple[Change, ...]:
        """Take the beginning and the status of an OK; return what has become certain by it."""
        certain: tuple[Change, ...] = ()
        if planned is not None:
            certain = self._take(planned, max(0, number(body, 1)[0]))
        if status & IN_TRANSACTION:
            return certain
        return (*certain, *self._end())

    def fail(self, state: str) -> None:
        """A statement failed."""
        if state in UNDONE:
            self.forget()

    def forget(self) -> None:
        """Messages were lost, or nothing of it happened."""
        self._transaction.discard()
        self.open = False

    def _reading(self, whole: bool) -> Reading:
        return READINGS[whole, self._values]

    def _take(self, planned: Planned, rows: int) -> tuple[Change, ...]:
        statement = planned.statement
        intent, transaction = statement.intent, self._transaction
        if intent is Intent.WRITE:
            change = change_of(planned, rows)
            if change is not None:
                transaction.add(change)
                self.open = True
        elif intent in (Intent.BEGIN, Intent.COMMIT):
            return self._end()
        elif intent is Intent.ROLLBACK:
            self.forget()
        elif intent is Intent.ROLLBACK_TO:
            transaction.back_to(statement.savepoint)
        elif intent is Intent.SAVEPOINT:
            transaction.mark(statement.savepoint)
        elif intent is Intent.RELEASE:
            transaction.release(statement.savepoint)
        return ()

    def _end(self) -> tuple[Change, ...]:
        self.open = False
        return self._transaction.commit()


LATEST = 0xFFFFFFFF  # MariaDB's number of the statement that was prepared last
