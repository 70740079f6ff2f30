"""What the two directions of a Redis connection must know of each other."""

from enum import Enum

from exporter.model import Kind
from exporter.protocols.fifo import Fifo

SUBSCRIBING = frozenset((b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"))
UNSUBSCRIBING = frozenset((b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE"))
REPLICATING = frozenset((b"SYNC", b"PSYNC"))
PUBLISHED = frozenset((b"message", b"pmessage", b"smessage"))
CONFIRMED = frozenset(word.lower() for word in SUBSCRIBING | UNSUBSCRIBING)
# Commands that change how the connection goes on; all others need no second look.
STATEFUL = SUBSCRIBING | UNSUBSCRIBING | REPLICATING | {b"CLIENT", b"MONITOR", b"RESET"}
MAX_CONFIRMATIONS = 4096
# Commands that are answered once another client has done something, and those that are if they say BLOCK.
WAITING = frozenset(b"BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN WAIT WAITAOF".split())
READING = frozenset((b"XREAD", b"XREADGROUP"))
# Commands that look strings up by their keys, as a cache is asked.
LOOKUPS = frozenset((b"GET", b"GETEX", b"GETDEL", b"GETSET", b"MGET"))
MAX_LOOKUPS = 16_384


class Replying(Enum):
    """What `CLIENT REPLY` was set to."""

    ON = "on"
    SKIP = "skip"  # the next command gets no reply
    OFF = "off"


# Looking a member of an enumeration up costs more than comparing it.
ALWAYS, ONCE_NOT, NEVER = Replying.ON, Replying.SKIP, Replying.OFF
REQUEST, RESPONSE, ONE_WAY, PUSH = Kind.REQUEST, Kind.RESPONSE, Kind.ONE_WAY, Kind.PUSH


class RedisSession:
    """The connection's modes.

    Attributes:
        opaque: it became a replication link, whose stream answers nothing.
        monitored: the server streams every command it is given.
        subscribed: the server sends published messages.
        outstanding: requests minus responses, as far as seen.
        lookup: whether the last reply answers one of `LOOKUPS`.
    """

    __slots__ = (
        "_confirmations",
        "_fresh",
        "_lookups",
        "_replying",
        "lookup",
        "monitored",
        "opaque",
        "outstanding",
        "subscribed",
    )

    def __init__(self) -> None:
        self.opaque = False
        self.monitored = False
        self.subscribed = False
        self.outstanding = 0
        self.lookup = False
        self._lookups = Fifo(MAX_LOOKUPS)  # of the outstanding requests
        self._replying = ALWAYS
        self._confirmations: list[int] = []
        self._fresh = True  # nothing of the first entry was confirmed yet

    def request(self, name: bytes, words: list[bytes], arguments: int, lookup: bool) -> Kind:
        """Return whether a command will be answered.

        Args:
            name: in upper case; empty if it is not among `STATEFUL`.
            words: the first arguments after the name, in upper case.
            arguments: how many there are.
            lookup: whether it is one of `LOOKUPS`.
        """
        kind = REQUEST if self._replying is ALWAYS else ONE_WAY
        if self._replying is ONCE_NOT:
            self._replying = ALWAYS
        if name:
            kind = self._change(name, words, arguments, kind)
        if kind is REQUEST:
            self.outstanding += 1
            self._lookups.append(lookup)
        return kind

    def _change(self, name: bytes, words: list[bytes], arguments: int, kind: Kind) -> Kind:
        if name == b"CLIENT":
            return self._client(words, kind)
        if name in SUBSCRIBING or name in UNSUBSCRIBING:
            self.subscribed = True
            self._confirmations.append(max(1, arguments))
            del self._confirmations[:-MAX_CONFIRMATIONS]
        elif name in REPLICATING:
            self.opaque = True
            return ONE_WAY
        elif name == b"RESET":
            self.subscribed = self.monitored = False
            self._confirmations.clear()
        else:
            self.monitored = True
        return kind

    def _client(self, words: list[bytes], kind: Kind) -> Kind:
        if words[:1] != [b"REPLY"]:
            return kind
        if words[1:] == [b"ON"]:
            self._replying = ALWAYS
            return REQUEST
        if words[1:] == [b"OFF"]:
            self._replying = NEVER
            return ONE_WAY
        if words[1:] == [b"SKIP"]:
            if self._replying is ALWAYS:
                self._replying = ONCE_NOT
            return ONE_WAY
        return kind

    def reply(self, pushed: bool, word: bytes) -> Kind:
        """Return whether a reply answers a request.

        Args:
            pushed: whether its type says that it is out of band.
            word: the first string in it, where it is an aggregate that may tell of a subscription.
        """
        self.lookup = False
        if word in CONFIRMED and (pushed or self.subscribed):
            return self._confirmation()
        if pushed or (word in PUBLISHED and (self.subscribed or self.outstanding <= 0)):
            return PUSH
        self._answered()
        return RESPONSE

    def _confirmation(self) -> Kind:
        """Return RESPONSE for the first confirmation of a request; one comes for each of its channels."""
        if not self._confirmations:
            return PUSH
        kind = RESPONSE if self._fresh else PUSH
        self._confirmations[0] -= 1
        self._fresh = self._confirmations[0] == 0
        if self._fresh:
            del self._confirmations[0]
        if kind is RESPONSE:
            self._answered()
        return kind

    def _answered(self) -> None:
        if self.outstanding > 0:
            self.outstanding -= 1
            self.lookup = bool(self._lookups) and self._lookups.popleft()

    def idle(self) -> bool:
        """Return whether nothing is outstanding, and every command is answered and nothing sent unasked."""
        told = self.opaque or self.monitored or self.subscribed or self.outstanding > 0 or self._replying is not ALWAYS
        return not told and self._fresh and not self._confirmations and not self._lookups

    def forget(self) -> None:
        """Messages were lost: what was awaited may have come."""
        self.outstanding = 0
        self._lookups.clear()
        self._confirmations.clear()
        self._fresh = True
