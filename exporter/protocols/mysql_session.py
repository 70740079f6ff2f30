"""What the two directions of a MySQL connection must know of each other."""

from collections import deque

from exporter.model import UNKNOWN_OPERATION, Operation
from exporter.protocols.mysql_changes import MysqlChanges
from exporter.protocols.mysql_wire import COMPRESS, DEPRECATE_EOF, QUERY_ATTRIBUTES, ZSTD
from exporter.protocols.sql_intents import Statement
from exporter.protocols.transaction import Planned

MAX_PREPARED = 4096
MAX_ASKED = 4096
LATEST = 0xFFFFFFFF  # MariaDB's number of the statement that was prepared last

# Phases of a connection: nothing known, the greeting was seen, logged in.
START, LOGIN, COMMANDS = range(3)


class Asked:
    """A command that awaits its answer.

    Attributes:
        operation: of the statement which it prepares or runs.
        planned: what each statement that it runs is to change.
        statement: which it prepares, if that changes anything.
    """

    __slots__ = ("command", "operation", "planned", "statement")

    def __init__(
        self,
        command: int,
        operation: Operation,
        planned: tuple[Planned, ...] = (),
        statement: Statement | None = None,
    ) -> None:
        self.command = command
        self.operation = operation
        self.planned = planned
        self.statement = statement


class MysqlSession:
    """The state of the connection.

    Attributes:
        phase: how far it is.
        attributed: whether attributes stand before queries; None if not known.
        classic: whether an EOF packet stands behind column definitions; None if not known.
        uploading: the client sends a file, until an empty packet.
        compressing: what follows the login is compressed.
        rest: bytes behind the packet that ended the readable part; None before that.
        asked: commands without an answer so far, in order.
        changes: what was changed and is not certain yet.
    """

    __slots__ = (
        "_latest",
        "_prepared",
        "asked",
        "attributed",
        "changes",
        "classic",
        "compressing",
        "phase",
        "rest",
        "uploading",
    )

    def __init__(self, values: bool = True) -> None:
        self.changes = MysqlChanges(values)
        self.phase = START
        self.attributed: bool | None = None
        self.classic: bool | None = None
        self.uploading = False
        self.compressing = False
        self.rest: bytes | None = None
        self.asked: deque[Asked] = deque(maxlen=MAX_ASKED)
        self._prepared: dict[int, Operation] = {}
        self._latest = UNKNOWN_OPERATION

    def agree(self, capabilities: int) -> None:
        """Take what the client asked for when it logged in."""
        self.attributed = bool(capabilities & QUERY_ATTRIBUTES)
        self.classic = not capabilities & DEPRECATE_EOF
        self.compressing = bool(capabilities & (COMPRESS | ZSTD))

    def ask(self, asked: Asked) -> None:
        """Add a command that will be answered."""
        self.asked.append(asked)

    def next(self) -> Asked | None:
        """Return the command whose answer begins, None if it was not seen."""
        return self.asked.popleft() if self.asked else None

    def preparing(self, operation: Operation) -> None:
        """A statement is being prepared."""
        self._latest = operation

    def prepared(self, number: int, operation: Operation) -> None:
        """Remember a statement's number, in place of the oldest one if there are too many."""
        self._prepared.pop(number, None)
        if len(self._prepared) >= MAX_PREPARED:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[number] = operation

    def operation(self, number: int) -> Operation:
        """Return what a prepared statement does, `UNKNOWN_OPERATION` if its preparation was not seen."""
        return self._latest if number == LATEST else self._prepared.get(number, UNKNOWN_OPERATION)

    def close(self, number: int) -> None:
        """Forget a prepared statement."""
        self._prepared.pop(number, None)
        self.changes.close(number)

    def forget(self, all_asked: bool) -> None:
        """Messages were lost; without `all_asked` the latest command may still be answered."""
        while self.asked and (all_asked or len(self.asked) > 1):
            self.asked.popleft()
        self.uploading = False
        self.changes.forget()
