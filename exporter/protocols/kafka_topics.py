"""Which topic a Kafka request is about: the first that it writes to, or the only one that it reads from."""

from exporter.protocols.kafka_apis import APIS, FETCH, PRODUCE

LEAST_REQUEST = 14  # size, api key, version, correlation, the length of no client id
LONGEST_NAME = 249
IDENTIFIER_BYTES = 16
BY_IDENTIFIER = 13  # the first version of `Produce` and of `Fetch` that calls topics by their identifiers
TOLD_IDENTIFIERS = 10  # the first version of `Metadata` that tells them
LATEST_METADATA = 13  # later ones may be laid out otherwise
NOBODYS = bytes(IDENTIFIER_BYTES)
MAX_NAMES = 4096


class TopicNames:
    """The names of topics by their identifiers, as brokers told them to any client: the latest ones."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}

    def name(self, topic: bytes, version: int) -> bytes:
        """Return a topic's name as a request of a version calls it; empty while it is not known."""
        return topic if version < BY_IDENTIFIER else self._names.get(topic, b"")

    def learn(self, head: bytes, version: int) -> None:
        """Take an answer to `Metadata`, or as much of it as there is."""
        if TOLD_IDENTIFIERS <= version <= LATEST_METADATA:
            try:
                self._learn(_Fields(head, 13))  # size, correlation, tagged fields, time throttled
            except IndexError:
                return  # cut

    def _learn(self, fields: "_Fields") -> None:
        for _ in range(fields.count()):  # brokers
            fields.skip(4)
            fields.text()
            fields.skip(4)
            fields.text()
            fields.tags()
        fields.text()
        fields.skip(4)
        for _ in range(fields.count()):
            fields.skip(2)
            name, identifier = fields.text(), fields.skip(IDENTIFIER_BYTES)
            if identifier != NOBODYS and 0 < len(name) <= LONGEST_NAME:
                self._names.pop(identifier, None)
                if len(self._names) >= MAX_NAMES:
                    del self._names[next(iter(self._names))]
                self._names[identifier] = name
            fields.skip(1)
            for _ in range(fields.count()):  # partitions
                fields.skip(14)
                for _ in range(3):  # replicas: all, in sync, offline
                    fields.skip(4 * fields.count())
                fields.tags()
            fields.skip(4)
            fields.tags()


class Reading:
    """What a connection reads from, which requests of a fetch session tell only once.

    Attributes:
        topic: its name or identifier; empty where there are several, None while it is not known.
    """

    __slots__ = ("topic",)

    def __init__(self) -> None:
        self.topic: bytes | None = None

    def take(self, head: bytes, version: int) -> bytes:
        """Return the topic that a `Fetch` reads from, by name or identifier; empty where it is not known to be one."""
        begun = version < 7
        fields = _Fields(head, _body(head, version >= APIS[FETCH].flexible))
        try:
            fields.skip((4 if version < 15 else 0) + 8 + (4 if version >= 3 else 0) + (1 if version >= 4 else 0))
            if not begun:
                fields.skip(4)
                begun = int.from_bytes(fields.skip(4), "big", signed=True) <= 0
            count, topic = _topics(fields, version, version >= APIS[FETCH].flexible)
        except IndexError:
            return b""
        if count:
            topic = topic if count == 1 else b""
            self.topic = topic if begun or self.topic in (None, topic) else b""
        elif begun:
            self.topic = b""
        return self.topic or b""


def written_topic(head: bytes, version: int) -> bytes:
    """Return the first topic that a `Produce` writes to, by name or identifier; empty where none was captured."""
    try:
        return _topics(_Fields(head, acknowledgements(head, version) + 6), version, version >= APIS[PRODUCE].flexible)[
            1
        ]
    except IndexError:
        return b""


def acknowledgements(head: bytes, version: int) -> int:
    """Return where a `Produce` says how many acknowledgements it asks for."""
    at = _body(head, version >= APIS[PRODUCE].flexible)
    if version >= APIS[PRODUCE].flexible:
        # The transaction's name, its length plus one first.
        at += max(1, head[at] if at < len(head) else 1)
    elif version >= 3:
        at += 2 + max(0, int.from_bytes(head[at : at + 2], "big", signed=True))
    return at


def _body(head: bytes, flexible: bool) -> int:
    """Return where a request's body begins; tagged fields in front of it are not used in practice."""
    return LEAST_REQUEST + max(0, int.from_bytes(head[12:14], "big", signed=True)) + flexible


def _topics(fields: "_Fields", version: int, flexible: bool) -> tuple[int, bytes]:
    """Return how many topics there are, and the first one."""
    count = fields.count() if flexible else int.from_bytes(fields.skip(4), "big", signed=True)
    if count <= 0:
        return 0, b""
    if version >= BY_IDENTIFIER:
        return count, fields.skip(IDENTIFIER_BYTES)
    name = fields.text() if flexible else fields.skip(int.from_bytes(fields.skip(2), "big"))
    return count, name if len(name) <= LONGEST_NAME else b""


class _Fields:
    """Reads fields one after the other; an IndexError behind the last byte."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def skip(self, size: int) -> bytes:
        """Return so many bytes."""
        end = self._at + size
        if end > len(self._data):
            raise IndexError(f"{size} bytes at {self._at} of {len(self._data)}")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self) -> int:
        """Return a number of variable length."""
        value, shift = 0, 0
        while shift < 35:
            byte = self.skip(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        return value

    def count(self) -> int:
        """Return the length of an array or text; 0 for none."""
        return max(0, self.number() - 1)

    def text(self) -> bytes:
        """Return a text, which may be missing."""
        return self.skip(self.count())

    def tags(self) -> None:
        """Pass tagged fields."""
        for _ in range(self.number()):
            self.number()
            self.skip(self.number())
