"""The heads of DNS messages: header, and question.

Source: RFC 1035 section 4, RFC 2136 (updates), RFC 6895 (names of types and codes).
"""

from dataclasses import dataclass
from zlib import crc32

from exporter.model import Operation

HEADER_BYTES = 12
MAX_NAME_BYTES = 255
HEAD_BYTES = HEADER_BYTES + MAX_NAME_BYTES + 4  # of a message with one question

TYPES = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    10: "NULL",
    12: "PTR",
    13: "HINFO",
    15: "MX",
    16: "TXT",
    17: "RP",
    18: "AFSDB",
    24: "SIG",
    25: "KEY",
    28: "AAAA",
    29: "LOC",
    33: "SRV",
    35: "NAPTR",
    36: "KX",
    37: "CERT",
    39: "DNAME",
    41: "OPT",
    42: "APL",
    43: "DS",
    44: "SSHFP",
    45: "IPSECKEY",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    49: "DHCID",
    50: "NSEC3",
    51: "NSEC3PARAM",
    52: "TLSA",
    53: "SMIMEA",
    55: "HIP",
    59: "CDS",
    60: "CDNSKEY",
    61: "OPENPGPKEY",
    62: "CSYNC",
    63: "ZONEMD",
    64: "SVCB",
    65: "HTTPS",
    99: "SPF",
    108: "EUI48",
    109: "EUI64",
    249: "TKEY",
    250: "TSIG",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    256: "URI",
    257: "CAA",
    32769: "DLV",
}
OPERATIONS = {code: Operation(name) for code, name in TYPES.items()}
OTHER = Operation("OTHER")
UNSEEN = -1  # the type of a question that was not copied
TRANSFERS = frozenset((251, 252))  # answered by several messages
CLASSES = frozenset((1, 3, 4, 254, 255))

RCODES = (
    *("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH"),
    *("NOTZONE", "DSOTYPENI", "OTHER", "OTHER", "OTHER", "OTHER"),
)
# That a name does not exist is an answer: search lists ask for many that do not.
ANSWERED = frozenset(("NOERROR", "NXDOMAIN"))

RESPONSE, AUTHORITATIVE, TRUNCATED, AVAILABLE, RESERVED = 0x8000, 0x0400, 0x0200, 0x0080, 0x0040
QUERY, NOTIFY, UPDATE = 0, 4, 5
OPCODES = frozenset((QUERY, 1, 2, NOTIFY, UPDATE))
MAX_ADDITIONAL = 4  # of a query: OPT, TSIG, SIG(0)
RECORD_BYTES = 11  # the least


@dataclass(slots=True)
class Head:
    """What a message begins with.

    Attributes:
        number: the message's identifier, which its answer repeats.
        answers: whether it is a response.
        kind: its question's type; 0 without a question, `UNSEEN` where that was not copied.
        question: a checksum of its question, the same for any case of letters; 0 without one, or where it was cut.
        rcode: the response's code.
    """

    number: int
    answers: bool
    kind: int
    question: int
    rcode: str


def question_end(data: bytes) -> int:
    """Return where the first question of a message ends; 0 if it is not whole, -1 if it is none."""
    at = HEADER_BYTES
    while at < len(data):
        length = data[at]
        if length == 0:
            return at + 5 if at + 5 <= len(data) else 0
        at += 1 + length
        if length > 63 or at > HEADER_BYTES + MAX_NAME_BYTES:
            return -1
    return 0


def head(data: bytes) -> Head | None:
    """Return the head of a message, None if these bytes are none or do not hold all of it."""
    if len(data) < HEADER_BYTES:
        return None
    flags = data[2] << 8 | data[3]
    number, answers, rcode = data[0] << 8 | data[1], bool(flags & RESPONSE), RCODES[flags & 15]
    if data[4:6] == b"\0\0":
        return Head(number, answers, 0, 0, rcode)
    end = question_end(data)
    if end <= 0:
        return None
    kind = data[end - 4] << 8 | data[end - 3]
    return Head(number, answers, kind, crc32(data[HEADER_BYTES:end].lower()) + 1, rcode)


def cut_head(data: bytes) -> Head | None:
    """Return the head of a message whose question was not copied whole, None if these bytes are not of one."""
    if len(data) < HEADER_BYTES or question_end(data) or not _asks_soundly(data):
        return None
    flags = data[2] << 8 | data[3]
    return Head(data[0] << 8 | data[1], bool(flags & RESPONSE), UNSEEN, 0, RCODES[flags & 15])


def looks_sound(data: bytes, length: int) -> bool | None:
    """Return whether a message of `length` bytes, of which `data` are the first, is surely DNS; None if too few."""
    if len(data) < HEADER_BYTES:
        return None if length >= HEADER_BYTES else False
    if not _asks_soundly(data):
        return False
    end = question_end(data)
    if end <= 0:
        return None if end == 0 and len(data) < min(length, HEAD_BYTES) else False
    flags = data[2] << 8 | data[3]
    records = sum(data[at] << 8 | data[at + 1] for at in (6, 8, 10))
    fits = end == length if not records else end + records * RECORD_BYTES <= length or bool(flags & TRUNCATED)
    kind, domain = data[end - 4] << 8 | data[end - 3], (data[end - 2] << 8 | data[end - 1]) & 0x7FFF
    return fits and kind in TYPES and domain in CLASSES and _is_name(data[HEADER_BYTES : end - 5])


def _asks_soundly(data: bytes) -> bool:
    """Return whether a header may be of a message with one question, and what is there of that is a name."""
    flags = data[2] << 8 | data[3]
    questions, answers, authorities, additional = (data[at] << 8 | data[at + 1] for at in (4, 6, 8, 10))
    opcode = flags >> 11 & 15
    if opcode not in OPCODES or flags & RESERVED or questions != 1:
        return False
    if not flags & RESPONSE:
        if flags & (TRUNCATED | AVAILABLE | 15) or additional > MAX_ADDITIONAL:
            return False
        if opcode == QUERY and (answers or authorities > 1 or flags & AUTHORITATIVE):
            return False
    return question_end(data) != 0 or _is_name(data[HEADER_BYTES:])


def _is_name(name: bytes) -> bool:
    """Return whether labels, each behind its length, hold what hosts are called by."""
    at = 0
    while at < len(name) and name[at]:
        label = name[at + 1 : at + 1 + name[at]]
        if label.translate(None, PRINTABLE) or _is_netbios(label):
            return False
        at += 1 + len(label)
    return True


def _is_netbios(label: bytes) -> bool:
    """Return whether a label is a NetBIOS name in the encoding of RFC 1001: 32 letters up to P."""
    return len(label) == 32 and not label.translate(None, b"ABCDEFGHIJKLMNOP")


PRINTABLE = bytes(range(0x21, 0x7F))
