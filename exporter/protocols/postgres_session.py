"""What the two directions of a PostgreSQL connection must know of each other."""

from collections import deque
from collections.abc import Iterator
from enum import Enum

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Operation
from exporter.protocols.postgres_changes import PostgresChanges
from exporter.protocols.transaction import Planned

MAX_NAMED = 4096  # prepared statements, or portals, whose operation is remembered
MAX_AWAITED = 65_536


class Awaited(Enum):
    """What the server has still to answer."""

    LOGIN = "login"
    QUERY = "query"  # ends with ReadyForQuery
    EXECUTE = "execute"
    SYNC = "sync"


CHANGING = (Awaited.EXECUTE, Awaited.QUERY)


class Names:
    """The operations of prepared statements or portals by name, the latest ones."""

    __slots__ = ("_operations",)

    def __init__(self) -> None:
        self._operations: dict[bytes, Operation] = {}

    def put(self, name: bytes, operation: Operation) -> None:
        """Remember an operation, in place of the oldest one if there are too many."""
        self._operations.pop(name, None)
        if len(self._operations) >= MAX_NAMED:
            del self._operations[next(iter(self._operations))]
        self._operations[name] = operation

    def get(self, name: bytes) -> Operation:
        """Return the operation, `UNKNOWN_OPERATION` if it was never seen."""
        return self._operations.get(name, UNKNOWN_OPERATION)


class PostgresSession:
    """The state of the connection.

    Attributes:
        starting: the client's next message has no type.
        negotiating: the server's next byte answers a request for encryption.
        rest: bytes behind the server's consent to encryption; None if there was none.
        login: when the client asked to be let in, as the message that a refusal answers.
        fresh: a request came while nothing was awaited, so that its answer begins with the server's next message.
        awaited: what the server has still to answer, in order.
        planned: what the executions and queries among them are to change.
        changes: what was changed and is not certain yet.
        statements: the operations of prepared statements.
        portals: the operations of portals.
    """

    __slots__ = (
        "awaited",
        "changes",
        "fresh",
        "login",
        "negotiating",
        "planned",
        "portals",
        "rest",
        "starting",
        "statements",
    )

    def __init__(self, values: bool = True) -> None:
        self.starting = True
        self.negotiating = False
        self.rest: bytes | None = None
        self.login: Message | None = None
        self.fresh = False
        self.awaited: deque[Awaited] = deque()
        self.planned: deque[tuple[Planned, ...]] = deque()
        self.changes = PostgresChanges(values)
        self.statements = Names()
        self.portals = Names()

    def expect(self, what: Awaited) -> None:
        """Add to what the server has to answer."""
        if len(self.awaited) >= MAX_AWAITED:
            self.awaited.clear()
            self.planned.clear()
        self.fresh = self.fresh or not self.awaited
        self.awaited.append(what)

    def expect_change(self, what: Awaited, planned: tuple[Planned, ...]) -> None:
        """Add an execution or a query to what the server has to answer."""
        self.expect(what)
        self.planned.append(planned)

    def plan(self, number: int) -> Planned | None:
        """Return what a statement of the request that is being answered is to change; None if nothing is known."""
        statements = self.planned[0] if self.planned else ()
        return statements[number] if number < len(statements) else None

    def answered(self) -> None:
        """The server's next answer is over."""
        if self.awaited and self.awaited.popleft() in CHANGING and self.planned:
            self.planned.popleft()

    def sync(self) -> Iterator[Message]:
        """The server is ready again: it will answer nothing more of what came before the next synchronisation."""
        while self.awaited:
            what = self.awaited.popleft()
            if what is Awaited.EXECUTE:
                if self.planned:
                    self.planned.popleft()
                yield UNANSWERED
            else:
                return

    def begin_copy(self) -> None:
        """The server waits for data, and ignores the synchronisations that came before them."""
        if self.next() is Awaited.EXECUTE:
            copying = self.awaited.popleft()
            while self.next() is Awaited.SYNC:
                self.awaited.popleft()
            self.awaited.appendleft(copying)

    def next(self) -> Awaited | None:
        """Return what the server's next answer is to."""
        return self.awaited[0] if self.awaited else None

    def forget(self) -> None:
        """Messages were lost: what was awaited may have come."""
        self.awaited.clear()
        self.planned.clear()
        self.login = None
        self.negotiating = False


UNANSWERED = Message(Kind.UNANSWERED, 0, 0, 0)
