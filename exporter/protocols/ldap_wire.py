"""The pieces that LDAP's messages are made of (RFC 4511; BER as X.690 has it)."""

from exporter.model import Operation
from exporter.protocols.base import Match

SEQUENCE, INTEGER, OCTETS, ENUMERATED, CONTROLS, NAME = 0x30, 0x02, 0x04, 0x0A, 0xA0, 0x80
BIND, UNBIND, SEARCH, DELETE, ABANDON, EXTENDED = 0x60, 0x42, 0x63, 0x4A, 0x50, 0x77
OPERATIONS = {
    BIND: Operation("bind"),
    UNBIND: Operation("unbind"),
    SEARCH: Operation("search"),
    0x66: Operation("modify"),
    0x68: Operation("add"),
    DELETE: Operation("delete"),
    0x6C: Operation("modify dn"),
    0x6E: Operation("compare"),
    ABANDON: Operation("abandon"),
    EXTENDED: Operation("extended"),
}
UNANSWERED = frozenset({UNBIND, ABANDON})
# What a request's body begins with; those of the others are bare.
BODIES = {BIND: INTEGER, SEARCH: OCTETS, 0x66: OCTETS, 0x68: OCTETS, 0x6C: OCTETS, 0x6E: OCTETS, EXTENDED: NAME}
ENTRY, REFERENCE, INTERMEDIATE, EXTENDED_RESULT = 0x64, 0x73, 0x79, 0x78
RESULTS = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, EXTENDED_RESULT})
PARTS = frozenset({ENTRY, REFERENCE, INTERMEDIATE})  # of an answer that a result ends
START_TLS = b"1.3.6.1.4.1.1466.20037"
# The longest head: a message's tag and length, its number, an operation's tag and length, and a name behind them.
WANTED_BYTES = 64
MAX_MESSAGE_BYTES = 256 << 20
MAX_NUMBER = (1 << 31) - 1

SUCCESSES = frozenset({0, 5, 6, 10, 14})  # true, false, a referral, and one step of several
NAMES = (
    "0 success, 1 operationsError, 2 protocolError, 3 timeLimitExceeded, 4 sizeLimitExceeded, 5 compareFalse, "
    "6 compareTrue, 7 authMethodNotSupported, 8 strongerAuthRequired, 10 referral, 11 adminLimitExceeded, "
    "12 unavailableCriticalExtension, 13 confidentialityRequired, 14 saslBindInProgress, 16 noSuchAttribute, "
    "17 undefinedAttributeType, 18 inappropriateMatching, 19 constraintViolation, 20 attributeOrValueExists, "
    "21 invalidAttributeSyntax, 32 noSuchObject, 33 aliasProblem, 34 invalidDNSyntax, 36 aliasDereferencingProblem, "
    "48 inappropriateAuthentication, 49 invalidCredentials, 50 insufficientAccessRights, 51 busy, 52 unavailable, "
    "53 unwillingToPerform, 54 loopDetect, 64 namingViolation, 65 objectClassViolation, 66 notAllowedOnNonLeaf, "
    "67 notAllowedOnRDN, 68 entryAlreadyExists, 69 objectClassModsProhibited, 71 affectsMultipleDSAs, 80 other"
)
RESULT_NAMES = {int(code): name for code, _, name in (entry.partition(" ") for entry in NAMES.split(", "))}


def length_at(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Return the definite length at `at` and where it ends; -1 and 0 if it is not whole, -1 and -1 if it is none."""
    if at >= len(data):
        return -1, 0
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if not 0 < size <= 4:
        return -1, -1
    if at + 1 + size > len(data):
        return -1, 0
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def message_size(data: bytes | bytearray, start: int) -> int:
    """Return the length of the message at `start`; 0 if too little is there to tell, -1 if none can begin."""
    if data[start] != SEQUENCE:
        return -1
    length, behind = length_at(data, start + 1)
    if length < 0:
        return behind
    return behind - start + length if 7 <= behind - start + length <= MAX_MESSAGE_BYTES else -1


class Head:
    """A message's number and operation, `tag` 0 where too little is there; `at` is where the operation's body is."""

    __slots__ = ("at", "number", "size", "tag")

    def __init__(self, number: int, tag: int, at: int, size: int) -> None:
        self.number = number
        self.tag = tag
        self.at = at
        self.size = size


CUT = Head(0, 0, 0, 0)


def head_of(message: bytes, size: int) -> Head | None:
    """Return what a message of that size begins with; None if it is not LDAP's."""
    at = length_at(message, 1)[1]
    digits, number_at = length_at(message, at + 1)
    if at >= len(message) or number_at <= 0:
        return CUT if number_at == 0 or at >= len(message) else None
    tag_at = number_at + digits
    if message[at] != INTEGER or not 0 < digits <= 4:
        return None
    if tag_at >= len(message):
        return CUT
    number = int.from_bytes(message[number_at:tag_at], "big")
    length, body = length_at(message, tag_at + 1)
    if length < 0:
        return CUT if body == 0 else None
    fits = body + length == size or (body + length + 2 <= size and message[body + length : body + length + 1] in ENDS)
    return Head(number, message[tag_at], body, length) if fits and number <= MAX_NUMBER else None


ENDS = (b"", bytes((CONTROLS,)))  # controls follow, or are behind what was kept


def is_request(message: bytes, head: Head) -> Match:
    """Judge whether a message is a client's."""
    if not head.tag:
        return Match.NOT_YET
    if head.tag not in OPERATIONS:
        return Match.NO
    body = message[head.at : head.at + 1]
    if head.tag == BIND:
        version = message[head.at : head.at + 3]
        return Match.YES if version in (b"\2\1\2", b"\2\1\3") else Match.NOT_YET if len(version) < 3 else Match.NO
    if head.tag == UNBIND:
        return Match.MAYBE if head.size == 0 else Match.NO
    begins = BODIES.get(head.tag)
    if begins is None:
        return Match.MAYBE
    return Match.NOT_YET if not body else Match.YES if body[0] == begins else Match.NO


def is_response(message: bytes, head: Head) -> Match:
    """Judge whether a message is a server's."""
    if not head.tag:
        return Match.NOT_YET
    if head.tag in PARTS:
        return Match.YES if head.tag == ENTRY and message[head.at : head.at + 1] == b"\4" else Match.MAYBE
    if head.tag not in RESULTS:
        return Match.NO
    body = message[head.at : head.at + 4]
    if len(body) < 4:
        return Match.NOT_YET
    return Match.YES if body[0] == ENUMERATED and body[1] == 1 and body[3] == OCTETS else Match.NO


def result_of(message: bytes, head: Head) -> int:
    """Return a result's code; 80, `other`, where it was not captured."""
    body = message[head.at : head.at + 3]
    return body[2] if len(body) == 3 else 80
