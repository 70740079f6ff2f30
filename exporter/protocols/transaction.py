"""The changes of one connection that a rollback could still undo."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.model import Amount, Change, Operation
from exporter.protocols.numerals import Sums, times, together
from exporter.protocols.sql_fields import NO_PARAMETERS, Parameters
from exporter.protocols.sql_intents import Statement

# What exceeds these is not told apart: the latest savepoints are taken for one, further operations are left out.
MAX_SAVEPOINTS = 64
MAX_OPERATIONS = 256
# However many rows these change, they are one event.
COUNTED_ONCE = frozenset(("UPDATE", "DELETE", "MERGE"))


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement that was asked for, with the sums of what it writes; None where it writes nothing that is summed."""

    statement: Statement
    sums: Sums | None


def plan(statement: Statement, parameters: Parameters = NO_PARAMETERS) -> Planned:
    """Return a statement with what it writes."""
    fields = statement.fields
    return Planned(statement, fields.sums(parameters) if fields is not None else None)


class _Level:
    """What was changed since a savepoint, or since the beginning."""

    __slots__ = ("changes", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.changes: dict[Operation, Change] = {}

    def add(self, change: Change) -> None:
        known = self.changes.get(change.operation)
        if known is not None:
            self.changes[change.operation] = merged(known, change)
        elif len(self.changes) < MAX_OPERATIONS:
            self.changes[change.operation] = change


class Transaction:
    """Changes are added as their statements succeed, then become certain together or not at all."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels = [_Level(b"")]

    def add(self, change: Change) -> None:
        """A statement succeeded."""
        self._levels[-1].add(change)

    def mark(self, name: bytes) -> None:
        """A savepoint was set."""
        if len(self._levels) <= MAX_SAVEPOINTS:
            self._levels.append(_Level(name))

    def back_to(self, name: bytes) -> None:
        """What was changed since a savepoint is undone, the savepoint stays; all is where it is not known."""
        place = self._place(name)
        del self._levels[place + 1 :]
        self._levels[place].changes.clear()

    def release(self, name: bytes) -> None:
        """A savepoint was given up: what was changed since belongs to what stands before it."""
        place = self._place(name)
        if place:
            levels = self._levels[place:]
            del self._levels[place:]
            for level in levels:
                for change in level.changes.values():
                    self._levels[-1].add(change)

    def _place(self, name: bytes) -> int:
        """Return the place of the latest savepoint of that name, 0 where there is none."""
        return next((at for at in range(len(self._levels) - 1, 0, -1) if self._levels[at].name == name), 0)

    def commit(self) -> tuple[Change, ...]:
        """Return what has become certain, and start over."""
        first = self._levels[0]
        if len(self._levels) == 1 and not first.changes:
            return ()
        for level in self._levels[1:]:
            for change in level.changes.values():
                first.add(change)
        changes = tuple(first.changes.values())
        self.discard()
        return changes

    def discard(self) -> None:
        """Nothing of it happened."""
        del self._levels[1:]
        self._levels[0].changes.clear()


def merged(one: Change, other: Change) -> Change:
    """Return two changes by the same operation as one."""
    amounts: Sequence[Amount] = together((*one.amounts, *other.amounts)) if other.amounts else one.amounts
    return Change(one.operation, one.count + other.count, tuple(amounts), one.unread + other.unread)


def change_of(planned: Planned, rows: int) -> Change | None:
    """Return what a statement changed by having affected so many rows; None if that is nothing.

    What an INSERT lists counts only if every row of it was taken: nobody knows which of them were not. An UPDATE sets
    its numbers in each row.
    """
    if rows <= 0:
        return None
    operation, fields, sums = planned.statement.operation, planned.statement.fields, planned.sums
    inserts = operation.name not in COUNTED_ONCE
    count = rows if inserts else 1
    if fields is None or sums is None:
        return Change(operation, count)
    amounts = sums.amounts()
    if fields.rows == 0:
        return Change(operation, count, tuple(times(amount, rows) for amount in amounts), sums.unread)
    if rows < fields.rows:
        return Change(operation, count, (), sums.unread + sum(amount.count for amount in amounts))
    return Change(operation, count, amounts, sums.unread)
