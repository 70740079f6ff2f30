"""What the two directions of a PostgreSQL connection must know of each other."""

from collections import deque
from collections.abc import Iterator
from enum import Enum

from exporter.model import UNKNOWN_OPERATION, Kind, Message, Operation

MAX_NAMED = 4096  # prepared statements, or portals, whose operation is remembered
MAX_AWAITED = 65_536


class Awaited(Enum):
    """What the server has still to answer."""

    LOGIN = "login"
    QUERY = "query"  # ends with ReadyForQuery
    EXECUTE = "execute"
    SYNC = "sync"


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
        statements: the operations of prepared statements.
        portals: the operations of portals.
    """

    __slots__ = ("awaited", "fresh", "login", "negotiating", "portals", "rest", "starting", "statements")

    def __init__(self) -> None:
        self.starting = True
        self.negotiating = False
        self.rest: bytes | None = None
        self.login: Message | None = None
        self.fresh = False
        self.awaited: deque[Awaited] = deque()
        self.statements = Names()
        self.portals = Names()

    def expect(self, what: Awaited) -> None:
        """Add to what the server has to answer."""
        if len(self.awaited) >= MAX_AWAITED:
            self.awaited.clear()
        self.fresh = self.fresh or not self.awaited
        self.awaited.append(what)

    def sync(self) -> Iterator[Message]:
        """The server is ready again: it will answer nothing more of what came before the next synchronisation."""
        while self.awaited:
            what = self.awaited.popleft()
            if what is Awaited.EXECUTE:
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
        self.login = None
        self.negotiating = False


UNANSWERED = Message(Kind.UNANSWERED, 0, 0, 0)
