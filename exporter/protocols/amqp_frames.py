"""Frames and methods of AMQP 0-9-1."""

from exporter.model import Operation
from exporter.protocols.base import ParseError

GREETING = b"AMQP\0\0\x09\x01"
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
HEAD_BYTES = 7
END = 0xCE
IDENTIFIED_BYTES = HEAD_BYTES + 4  # with the class and the method
# As far as a flag may stand behind three names.
KEPT_BYTES = IDENTIFIED_BYTES + 2 + 3 * 256 + 1
MAX_FRAME_BYTES = 16 << 20
MAX_CHANNEL = 0xFFFF
# Class, then its methods, of RabbitMQ too: those of the client, with `+` if they are answered, `=` for what the server
# sends, `!` for what either does.
CLASSES = (
    "10 connection: 10=start 11+start-ok 20=secure 21+secure-ok 30=tune 31tune-ok 40+open 41=open-ok 50!close "
    "51!close-ok 60=blocked 61=unblocked 70+update-secret 71=update-secret-ok; "
    "20 channel: 10+open 11=open-ok 20!flow 21!flow-ok 40!close 41!close-ok; "
    "40 exchange: 10+declare 11=declare-ok 20+delete 21=delete-ok 30+bind 31=bind-ok 40+unbind 51=unbind-ok; "
    "50 queue: 10+declare 11=declare-ok 20+bind 21=bind-ok 30+purge 31=purge-ok 40+delete 41=delete-ok 50+unbind "
    "51=unbind-ok; "
    "60 basic: 10+qos 11=qos-ok 20+consume 21=consume-ok 30!cancel 31!cancel-ok 40publish 50=return 60=deliver 70+get "
    "71=get-ok 72=get-empty 80!ack 90reject 100recover-async 110+recover 111=recover-ok 120!nack; "
    "85 confirm: 10+select 11=select-ok; 90 tx: 10+select 11=select-ok 20+commit 21=commit-ok 30+rollback "
    "31=rollback-ok"
)


def _named() -> dict[int, tuple[Operation, str]]:
    """Return class and method in one number -> what it is called, and who sends it."""
    methods = {}
    for entry in CLASSES.split("; "):
        head, _, rest = entry.partition(": ")
        number, name = head.split()
        for method in rest.split():
            digits = "".join(character for character in method if character.isdigit())
            mark, word = method[len(digits)], method[len(digits) :].lstrip("+=!")
            methods[int(number) << 16 | int(digits)] = (Operation(f"{name}.{word}"), mark if mark in "+=!" else "")
    return methods


METHODS = _named()
OPERATIONS = {number: operation for number, (operation, _) in METHODS.items()}
OF_SERVER = frozenset(number for number, (_, mark) in METHODS.items() if mark == "=")
OF_CLIENT = frozenset(number for number, (_, mark) in METHODS.items() if mark in ("", "+"))


def number_of(name: str) -> int:
    """Return the number of a method by its name."""
    return next(number for number, operation in OPERATIONS.items() if operation.name == name)


START_OK, TUNE, SECURE = (10 << 16 | method for method in (11, 30, 20))
CONNECTION_CLOSE, CHANNEL_CLOSE = 10 << 16 | 50, 20 << 16 | 40
PUBLISH, RETURN, DELIVER = (60 << 16 | method for method in (40, 50, 60))
GET_OK, GET_EMPTY, GET = (60 << 16 | method for method in (71, 72, 70))
# Both sides close and cancel; of the client it is a request.
REQUESTS = frozenset({number for number, (_, mark) in METHODS.items() if mark == "+"}) | {
    number_of(name) for name in ("connection.close", "channel.close", "channel.flow", "basic.cancel")
}
ANSWERS = {
    number_of(operation.name + "-ok"): number
    for number, operation in OPERATIONS.items()
    if number in REQUESTS and any(other.name == operation.name + "-ok" for other in OPERATIONS.values())
} | {TUNE: START_OK, SECURE: START_OK, GET_EMPTY: GET}
CARRYING = frozenset({PUBLISH, RETURN, DELIVER, GET_OK})
# Method -> how many names stand before its flags (behind a reserved number), and which flag says "do not answer".
NO_WAIT = {
    number_of("exchange.declare"): (2, 16),
    number_of("exchange.delete"): (1, 2),
    number_of("exchange.bind"): (3, 1),
    number_of("exchange.unbind"): (3, 1),
    number_of("queue.declare"): (1, 16),
    number_of("queue.bind"): (3, 1),
    number_of("queue.purge"): (1, 1),
    number_of("queue.delete"): (1, 4),
    number_of("basic.consume"): (2, 8),
}
UNRESERVED = {number_of("basic.cancel"): (1, 1), number_of("confirm.select"): (0, 1)}


def method_of(frame: bytes | bytearray, start: int = 0) -> int:
    """Return the class and method of a method frame, in one number."""
    return int.from_bytes(frame[start + HEAD_BYTES : start + IDENTIFIED_BYTES], "big")


def unanswered(frame: bytes, method: int) -> bool:
    """Return whether a request asks for no answer."""
    at = IDENTIFIED_BYTES
    if method in NO_WAIT:
        names, flag = NO_WAIT[method]
        at += 2
    elif method in UNRESERVED:
        names, flag = UNRESERVED[method]
    else:
        return False
    for _ in range(names):
        at += 1 + (frame[at] if at < len(frame) else 0)
    return at < len(frame) and frame[at] & flag != 0


def destination(frame: bytes, at: int) -> bytes:
    """Return the exchange that is named at `at`; of the one without a name the key behind it, which is a queue's."""
    exchange = _name(frame, at)
    return exchange or _name(frame, at + 1)


def _name(frame: bytes, at: int) -> bytes:
    return frame[at + 1 : at + 1 + frame[at]] if at < len(frame) else b""


def measure(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure a frame or the greeting; of methods the beginning is kept, of contents' headers the size."""
    seen = bytes(buffer[start : start + len(GREETING)])
    if seen.startswith(b"A"):
        if not GREETING.startswith(seen):
            raise ParseError("no greeting of AMQP 0-9-1")
        return (len(GREETING), len(GREETING)) if seen == GREETING else (0, 0)
    if seen[0] not in (METHOD, HEADER, BODY, HEARTBEAT):
        raise ParseError("no AMQP frame begins here")
    if len(seen) < HEAD_BYTES:
        return 0, 0
    size = int.from_bytes(seen[3:7], "big")
    if size > MAX_FRAME_BYTES or (seen[0] == HEARTBEAT and size) or (seen[0] == METHOD and size < 4):
        raise ParseError("an AMQP frame has an impossible length")
    whole = HEAD_BYTES + size + 1
    if seen[0] == METHOD:
        if len(buffer) - start < IDENTIFIED_BYTES:
            return 0, 0
        if method_of(buffer, start) not in OPERATIONS:
            raise ParseError("an AMQP method is unknown")
        return min(whole, KEPT_BYTES), whole
    return min(whole, HEAD_BYTES + 12 if seen[0] == HEADER else HEAD_BYTES), whole


def begins(data: bytes) -> bool:
    """Return whether a segment begins with a frame that ends as it should, or goes beyond the segment."""
    try:
        kept, size = measure(data, 0)
    except ParseError:
        return False
    return kept > 0 and (size > len(data) or data[size - 1] == END or data.startswith(GREETING))
