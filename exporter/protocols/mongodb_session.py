"""MongoDB's opcodes and commands, and what the two directions of a connection share."""

from exporter.model import Operation

HEADER_BYTES = 16
MAX_MESSAGE_BYTES = 48_000_000 + (64 << 10)
REPLY, UPDATE, INSERT, QUERY, GET_MORE, DELETE, KILL_CURSORS = 1, 2001, 2002, 2004, 2005, 2006, 2007
COMMAND, COMMAND_REPLY, COMPRESSED, MSG = 2010, 2011, 2012, 2013
ASKING = frozenset((UPDATE, INSERT, QUERY, GET_MORE, DELETE, KILL_CURSORS, COMMAND, COMPRESSED, MSG))
ANSWERING = frozenset((REPLY, COMMAND_REPLY, COMPRESSED, MSG))
CHECKSUM, MORE_TO_COME, EXHAUST = 1, 2, 1 << 16
KNOWN_FLAGS = CHECKSUM | MORE_TO_COME | EXHAUST

FIND = Operation("find")
LEGACY = {
    UPDATE: Operation("update"),
    INSERT: Operation("insert"),
    QUERY: FIND,
    GET_MORE: Operation("getMore"),
    DELETE: Operation("delete"),
    KILL_CURSORS: Operation("killCursors"),
}
MAX_ASKED = 16_384


class MongoSession:
    """What the answers must know of the questions."""

    __slots__ = ("_documents",)

    def __init__(self) -> None:
        self._documents: dict[int, None] = {}

    def expect_documents(self, identifier: int) -> None:
        """An old query asks for documents: nothing in them says how it ended."""
        if len(self._documents) >= MAX_ASKED:
            del self._documents[next(iter(self._documents))]
        self._documents[identifier] = None

    def documents(self, identifier: int) -> bool:
        """Return whether an answer holds documents rather than how a command ended."""
        return self._documents.pop(identifier, 0) is None
