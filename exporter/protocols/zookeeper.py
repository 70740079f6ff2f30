"""ZooKeeper's client protocol (jute records; zookeeper.jute and ZooDefs.java of Apache ZooKeeper).

A request is what has an answer with its xid, pings and the session's start included. An answer `NONODE` to `exists` is
no failure: that is what was asked; nor is one to a request that was not seen. Events of watches are pushes.
"""

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols.base import UNTIMED, Family, Match, ParseError, ProtocolSpec
from exporter.protocols.framed import Framed, SidedParser, signed, unsigned

OPERATIONS = {
    code: Operation(name)
    for code, name in (
        *((1, "create"), (2, "delete"), (3, "exists"), (4, "getData"), (5, "setData"), (6, "getACL"), (7, "setACL")),
        *((8, "getChildren"), (9, "sync"), (11, "ping"), (12, "getChildren"), (13, "check"), (14, "multi")),
        *((15, "create"), (16, "reconfig"), (17, "checkWatches"), (18, "removeWatches"), (19, "createContainer")),
        *((20, "deleteContainer"), (21, "createTTL"), (22, "multiRead"), (100, "auth"), (101, "setWatches")),
        *((102, "sasl"), (103, "getEphemerals"), (104, "getAllChildrenNumber"), (105, "setWatches")),
        *((106, "addWatch"), (107, "whoAmI"), (-10, "createSession"), (-11, "closeSession")),
    )
}
CONNECT = Operation("connect")
EXISTS = 3
WITH_PATH = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15, 17, 18, 19, 20, 21, 103, 104, 106))
# What succeeds with more than the head of a reply.
WITH_RESULT = frozenset((1, 4, 5, 6, 7, 8, 9, 12, 15, 19, 21, 103, 104))
PING, AUTH, CLOSE_SESSION = 11, 100, -11
# Transaction numbers that are not counted up (ClientCnxn.java).
EVENT_XID, PING_XID, AUTH_XID, SET_WATCHES_XID = -1, -2, -4, -8
SPECIAL_XIDS = (PING_XID, AUTH_XID, SET_WATCHES_XID)
XID_OF = {PING: PING_XID, AUTH: AUTH_XID, 101: SET_WATCHES_XID, 105: SET_WATCHES_XID}

MAX_MESSAGE_BYTES = 64 << 20  # jute.maxbuffer is 1 MiB unless it was raised
CONNECT_SIZES = (48, 49)  # with a password of 16 bytes; the last byte, read-only, is optional
CONNECTED_SIZES = (40, 41)
LONGEST_SESSION_MS = 86_400_000
LEAST_REQUEST, LEAST_REPLY = 12, 20
NO_NODE = -101
LEAST_ERROR = -130
CONNECTION = 1 << 32  # what pairs the session's start, beyond any xid
MAX_ASKED = 16_384


class ZookeeperSession:
    """What the answers must know of the questions.

    Attributes:
        asked: transaction number -> type of the requests that no answer was seen to, the oldest first.
    """

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked: dict[int, int] = {}

    def ask(self, xid: int, opcode: int) -> None:
        """Remember a question."""
        self.asked.pop(xid, None)
        if len(self.asked) >= MAX_ASKED:
            del self.asked[next(iter(self.asked))]
        self.asked[xid] = opcode

    def answer(self, xid: int) -> int | None:
        """Return what was asked, None if it was not seen; what was asked before it was answered before it."""
        asked = self.asked
        if xid not in asked:
            return None
        while (first := next(iter(asked))) != xid and first > 0:
            del asked[first]
        return asked.pop(xid)


class Requests:
    """The client's messages (`framed.Language`)."""

    __slots__ = ("_session",)
    wanted = 32  # to the length of the password in a session's start
    untimed = True

    def __init__(self, session: ZookeeperSession) -> None:
        self._session = session

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a request."""
        return _size(buffer, start, end, LEAST_REQUEST)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a request."""
        if len(head) < LEAST_REQUEST:
            return
        xid, opcode = signed(head, 4), signed(head, 8)
        if xid == 0 and size in CONNECT_SIZES:
            out.append(Message(Kind.REQUEST, first_at, last_at, size, CONNECT, correlation=CONNECTION))
            return
        operation = OPERATIONS.get(opcode)
        if operation is None:
            raise ParseError(f"a ZooKeeper request of unknown type {opcode}")
        self._session.ask(xid, opcode)
        out.append(Message(Kind.REQUEST, first_at, last_at, size, operation, correlation=xid))

    def judge(self, data: bytes) -> Match:
        """Return whether a request begins here."""
        return match_client(data)

    def lose(self) -> None:
        """Requests were lost."""


class Replies:
    """The server's messages (`framed.Language`)."""

    __slots__ = ("_session",)
    wanted = 24  # the same
    untimed = False

    def __init__(self, session: ZookeeperSession) -> None:
        self._session = session

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of a reply."""
        return _size(buffer, start, end, LEAST_REPLY)

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append a reply, or an event."""
        if len(head) < LEAST_REPLY:
            return
        xid, error = signed(head, 4), signed(head, 16)
        if _is_connected(head, size):
            out.append(Message(Kind.RESPONSE, first_at, last_at, size, correlation=CONNECTION))
        elif xid == EVENT_XID:
            out.append(Message(Kind.PUSH, first_at, last_at, size))
        elif not LEAST_ERROR <= error <= 0:
            raise ParseError(f"a ZooKeeper reply with the unknown error {error}")
        else:
            absent = self._session.answer(xid) in (EXISTS, None) and error == NO_NODE
            status = str(error) if error else ""
            failed = error != 0 and not absent
            out.append(Message(Kind.RESPONSE, first_at, last_at, size, status=status, failed=failed, correlation=xid))

    def judge(self, data: bytes) -> Match:
        """Return whether a reply begins here."""
        return match_server(data)

    def lose(self) -> None:
        """Replies were lost."""

    def miss(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Append the reply to the only request that awaits one: a mere head, where it should hold more, is an error."""
        asked = self._session.asked
        if len(asked) == 1 and size_bytes >= LEAST_REPLY:
            xid, opcode = asked.popitem()
            failed = size_bytes == LEAST_REPLY and opcode in WITH_RESULT
            out.append(Message(Kind.RESPONSE, UNTIMED, at, size_bytes, failed=failed, correlation=xid))


def _size(buffer: bytes | bytearray, start: int, end: int, least: int) -> int:
    if end - start < 4:
        return 0
    size = 4 + unsigned(buffer, start)
    if not least <= size <= MAX_MESSAGE_BYTES:
        raise ParseError(f"a ZooKeeper message of {size} bytes")
    return size


def _is_connected(head: bytes, size: int) -> bool:
    """Return whether a server's message answers the session's start: version 0, and a time where the zxid would be."""
    return size in CONNECTED_SIZES and unsigned(head, 4) == 0 and 0 <= unsigned(head, 8) <= LONGEST_SESSION_MS


def match(client: bytes, server: bytes) -> Match:
    """Judge by a request, and by whether what answers it is a reply."""
    asked = match_client(client) if client else Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if asked is told is Match.MAYBE and len(client) >= LEAST_REQUEST and client[4:8] == server[4:8]:
        return Match.YES
    return max(asked, told)


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone: YES for a session's start or a request that names a path."""
    if len(client) < LEAST_REQUEST:
        return _begun(client)
    size, xid, opcode = 4 + unsigned(client, 0), signed(client, 4), signed(client, 8)
    if xid == 0 and size in CONNECT_SIZES:
        return _match_connect(client)
    known = opcode in OPERATIONS and LEAST_REQUEST <= size <= MAX_MESSAGE_BYTES
    if not known or xid != XID_OF.get(opcode, max(xid, 0)):
        return Match.NO
    if opcode in WITH_PATH:
        return _match_path(client, size)
    if opcode in (PING, CLOSE_SESSION):
        return Match.YES if size == LEAST_REQUEST else Match.NO
    return Match.YES if opcode in XID_OF else Match.MAYBE


def _match_path(client: bytes, size: int) -> Match:
    if len(client) < 17:
        return Match.NOT_YET
    length = unsigned(client, 12)
    path = client[16 : 16 + length]
    plain = path[:1] == b"/" and b"\0" not in path
    return Match.YES if 0 < length <= size - 16 and plain else Match.NO


def _match_connect(client: bytes) -> Match:
    """Judge protocol version, last zxid, timeout, session and the password's length."""
    if len(client) < 28:
        return Match.NOT_YET
    timeout = unsigned(client, 16)
    password = client[28:32]
    fits = b"\0\0\0\x10".startswith(password)
    return Match.YES if 0 < timeout <= LONGEST_SESSION_MS and fits else Match.NO


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone; most replies are too plain to be more than MAYBE."""
    if len(server) < LEAST_REPLY:
        return _begun(server)
    size, xid, error = 4 + unsigned(server, 0), signed(server, 4), signed(server, 16)
    if _is_connected(server, size):
        fits = b"\0\0\0\x10".startswith(server[20:24])
        return (Match.YES if len(server) >= 24 else Match.NOT_YET) if fits else Match.NO
    if not LEAST_REPLY <= size <= MAX_MESSAGE_BYTES or not LEAST_ERROR <= error <= 0:
        return Match.NO
    if xid == EVENT_XID:
        return Match.YES if server[8:16] == b"\xff" * 8 and error == 0 else Match.NO
    # An error has no body; a high zxid would be an election in every second for years.
    plain = (error == 0 or size == LEAST_REPLY) and server[8:9] == b"\0"
    return Match.MAYBE if plain and (xid >= 0 or xid in SPECIAL_XIDS) else Match.NO


def _begun(head: bytes) -> Match:
    return Match.NOT_YET if head[:1] in (b"", b"\0") else Match.NO


def parser() -> SidedParser:
    """Return the state of a new connection."""
    session = ZookeeperSession()
    return SidedParser(Framed(Requests(session)), Framed(Replies(session)))


SPEC = ProtocolSpec("zookeeper", frozenset({2181}), match, parser, Family.PLAIN)
