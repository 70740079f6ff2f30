"""Redis' commonest messages, read in a packet: commands by short names, and replies without attributes and maps.

Says of the same bytes what `redis_requests` and `redis_replies` say, or nothing. Compiled with the types of
`redis_lane.pxd`.
"""

from exporter.net.frames import Frame
from exporter.protocols.lane import Turn
from exporter.protocols.redis_commands import OPERATIONS
from exporter.protocols.redis_session import LOOKUPS, READING, STATEFUL, WAITING

LINE = 32  # more than a number has octets
MOST_DIGITS = 9
MOST_LINE_BYTES = 256
SHORT = 7  # so many octets of a name are a number of 64 bits
STAR, DOLLAR, PLUS, MINUS, COLON, TRUTH, DOUBLE, LARGE, NULL = b"*$+-:#,(_"
NONE = b"$-1\r\n"


def _numbered(name: bytes) -> int:
    return int.from_bytes(name, "big")


COMMANDS = {
    _numbered(name): operation
    for name, operation in OPERATIONS.items()
    if len(name) <= SHORT and name.upper() not in STATEFUL | WAITING | READING
}
LOOKING = frozenset(_numbered(name) for name in OPERATIONS if len(name) <= SHORT and name.upper() in LOOKUPS)


def read_command(frame: Frame, turn: Turn) -> bool:
    """Read the command that fills a frame's payload; return False where it is none that is known."""
    at, end = frame.payload, frame.payload + frame.size
    line = digits(frame, at + 1, end) if frame.memory[at] == STAR else 0
    if line < 2 * LINE:  # no plain number, or nought
        return False
    at += 3 + line % LINE
    count = line // LINE - 1
    for number in range(count):
        line = digits(frame, at + 1, end) if at < end and frame.memory[at] == DOLLAR else -1
        if line < 0:
            return False
        start = at + 3 + line % LINE
        length = line // LINE - 1
        at = start + length + 2
        if at > end or (number == 0 and not _named(frame, start, length, turn)):
            return False
    return at == end


def _named(frame: Frame, start: int, length: int, turn: Turn) -> bool:
    if length > SHORT:
        return False
    name = 0
    for place in range(start, start + length):
        name = name << 8 | frame.memory[place]
    if name != turn.name:
        operation = COMMANDS.get(name)
        if operation is None:
            return False
        turn.name, turn.operation, turn.lookup = name, operation, name in LOOKING
    return True


def read_reply(frame: Frame, turn: Turn) -> bool:
    """Read the reply that fills a frame's payload; return False where it is none of the common ones."""
    at, end = frame.payload, frame.payload + frame.size
    elements = nulls = 0
    left = 1
    while left:
        if at >= end:
            return False
        kind = frame.memory[at]
        if kind in (DOLLAR, STAR):
            line = digits(frame, at + 1, end)
            if line >= 0:
                at += 3 + line % LINE
                if kind == STAR:
                    left += line // LINE - 1
                else:
                    at += line // LINE + 1
            elif kind == DOLLAR and _is_none(frame, at, end):
                at += 5
                nulls += 1
            else:
                return False
            elements += kind == DOLLAR
        else:
            stop = _line(frame, kind, at, end)
            if stop < 0:
                return False
            elements += kind == NULL
            nulls += kind == NULL
            at = stop
        left -= 1
    if at != end:
        return False
    turn.failed = frame.memory[frame.payload] == MINUS
    told = turn.lookup and not turn.failed
    turn.hits = elements - nulls if told else 0
    turn.misses = nulls if told else 0
    return True


def _is_none(frame: Frame, at: int, end: int) -> bool:
    """Return whether what is at a place says that there is no string."""
    if at + 5 > end:
        return False
    plain = frame.memory[at + 1] == MINUS and frame.memory[at + 2] == 0x31
    return plain and frame.memory[at + 3] == 0x0D and frame.memory[at + 4] == 0x0A


def _line(frame: Frame, kind: int, at: int, end: int) -> int:
    """Return where the line of a simple kind at a place ends, -1 where there is none, or too long a one."""
    if kind not in (PLUS, MINUS, COLON, NULL, TRUTH, DOUBLE, LARGE):
        return -1
    for place in range(at + 1, min(end - 1, at + MOST_LINE_BYTES)):
        if frame.memory[place] == 0x0D and frame.memory[place + 1] == 0x0A:
            return place + 2
    return -1


def digits(frame: Frame, start: int, end: int) -> int:
    """Return a short number plus one times `LINE`, plus its octets; -1 without plain digits and a line end."""
    value, stop = 0, min(end - 1, start + MOST_DIGITS + 1)
    for place in range(start, stop):
        octet = frame.memory[place]
        if octet == 0x0D and frame.memory[place + 1] == 0x0A and place > start:
            return (value + 1) * LINE + place - start
        if not 0x30 <= octet <= 0x39:
            return -1
        value = 10 * value + octet - 0x30
    return -1
