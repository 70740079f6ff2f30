"""Heads of HTTP/1 messages: start lines and the few header fields that say where a message ends."""

from functools import lru_cache

import cython

from exporter.model import Operation
from exporter.protocols.base import Match
from exporter.protocols.paths import outline

if not cython.compiled:  # else `http_head.pxd` has them
    from exporter.protocols.pieces import line_feed, octet, piece

# IANA's registry, and what caches, updaters, media servers and tunnels are known to send.
METHODS = (
    "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY "
    "MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND "
    "REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL "
    "BAN BCOPY BDELETE BITS_POST BMOVE BPROPFIND BPROPPATCH CCM_POST DEBUG INDEX M-SEARCH NOTIFY POLL PURGE REFRESH "
    "RPC_IN_DATA RPC_OUT_DATA RDG_IN_DATA RDG_OUT_DATA SOURCE SSTP_DUPLEX_POST SUBSCRIBE TRACK UNSUBSCRIBE"
)
OPERATIONS = {method.encode(): Operation(method) for method in METHODS.split()}
OTHER_METHOD = Operation("OTHER")

MAX_HEAD_BYTES = 64 << 10
MAX_METHOD_BYTES = 32
REMEMBERED = 2048  # operations
# A target of which not even the end was seen by then is taken for one if all before it fits.
LONG_TARGET_BYTES = 512
TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


# What a head says of the body's length where it says no number.
NO_LENGTH, CHUNKED = -1, -2
TRANSFER_ENCODING, CONTENT_LENGTH = b"transfer-encoding", b"content-length"
NAME_ENDS = b": \t"
MAX_LENGTH_DIGITS = 18  # 64 bits hold them
VERSION = b"HTTP/1."
BLANKS = b" \t\r\n\v\f"
SPACE, DIGIT_0, DIGIT_9, LF, CR, C, T = b" 09\n\rct"
LOWER_CASE = 0x20


def head_end(buffer: bytes | bytearray, start: int, scanned: int) -> int:
    """Return where the head that begins at `start` ends, past its empty line; -1 if that is not in the buffer yet.

    The first `scanned` bytes of the head are known to hold no end.
    """
    size = len(buffer)
    feed = line_feed(buffer, max(start, start + scanned - 2))
    while 0 <= feed < size - 1:
        behind = octet(buffer, feed + 1)
        if behind == LF:
            return feed + 2
        if behind == CR and feed + 2 < size and octet(buffer, feed + 2) == LF:
            return feed + 3
        feed = line_feed(buffer, feed + 1)
    return -1


def method_of(line: bytes) -> bytes:
    """Return the method of a request line of HTTP/1, in upper case; empty if it is none."""
    line = line.rstrip()
    end = len(line)
    if end < 12 or line[end - 9] != SPACE or not DIGIT_0 <= line[end - 1] <= DIGIT_9:
        return b""
    version = line[end - 8 : end - 1]
    if version != VERSION and version.upper() != VERSION:
        return b""
    method = line.partition(b" ")[0]
    if method in OPERATIONS:
        return method
    return method.upper() if len(method) <= MAX_METHOD_BYTES and TOKEN.issuperset(method) else b""


def target_of(line: bytes) -> bytes:
    """Return the target of a line that has a method."""
    return line[line.find(b" ") + 1 : line.rfind(b" ")]


def operation_of(method: bytes, target: bytes) -> Operation:
    """Return what a method asks for, and of which path, by its outline."""
    return _named(method, outline(target))


@lru_cache(REMEMBERED)
def _named(method: bytes, path: bytes) -> Operation:
    """Return the one operation of that name."""
    known = OPERATIONS.get(method, OTHER_METHOD)
    return Operation(known.name, path.decode("ascii")) if path else known


def begun_method(line: bytes) -> bytes:
    """Return the method of a request line whose end need not be there, in upper case; empty if it can be none."""
    word, space, target = line.partition(b" ")
    method = word.upper()
    known = method in OPERATIONS and space and (not target or target[:1] in b"/*h" or method == b"CONNECT")
    return method if known else b""


def status_of(line: bytes) -> int:
    """Return the code of a status line of HTTP/1, or of Shoutcast's imitation; 0 if it is none."""
    version = line[:7]
    if version == VERSION or version.upper() == VERSION:
        behind = line[12:13]
        return _code(line, 9) if line[8:9] == b" " and (not behind or behind in BLANKS) else 0
    return _code(line, 4) if line[:4] == b"ICY " else 0


def _code(line: bytes, at: int) -> int:
    """Return the three digits at a position, the first of which is not 0; else 0."""
    digits = line[at : at + 3]
    if len(digits) != 3 or digits[0] == DIGIT_0:
        return 0
    code = 0
    for digit in digits:
        if not DIGIT_0 <= digit <= DIGIT_9:
            return 0
        code = code * 10 + digit - DIGIT_0
    return code


def body_of(head: bytes) -> int:
    """Return what a head's fields say of the body: its length, or `CHUNKED`, or `NO_LENGTH`.

    A chunked body overrides a length; lengths that are no numbers or contradict each other count as none at all.
    """
    length = b""
    feed = line_feed(head, 0)
    while 0 <= feed < len(head) - 1:
        start = feed + 1
        feed = line_feed(head, start)
        initial = head[start] | LOWER_CASE
        if initial == C:
            value = _value(head, start, feed, CONTENT_LENGTH)
            if value and value != length:
                length = length + b"," + value if length else value
        elif initial == T and b"chunked" in _value(head, start, feed, TRANSFER_ENCODING).lower():
            return CHUNKED
    if not length:
        return NO_LENGTH
    if not length.isdigit():
        numbers = {part.strip() for part in length.split(b",")}
        length = numbers.pop()
        if numbers or not length.isdigit():
            return NO_LENGTH
    return int(length) if len(length) <= MAX_LENGTH_DIGITS else NO_LENGTH


def _value(head: bytes, start: int, end: int, name: bytes) -> bytes:
    """Return the value of the field in a line if it is of that name; else empty."""
    behind = start + len(name)
    if behind >= len(head) or head[behind] not in NAME_ENDS or piece(head, start, behind).lower() != name:
        return b""
    rest = piece(head, behind, end if end >= 0 else len(head)).strip()
    return rest[1:].strip() if rest[:1] == b":" else b""


def match(client: bytes, server: bytes) -> Match:
    """Judge by a request line or a status line; a server that answers in HTTP decides whatever it was asked."""
    answered = match_server(server)
    if answered is Match.YES:
        return Match.YES
    if server and answered is Match.NO:
        return Match.NO
    return match_client(client) if client else answered


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    if not server:
        return Match.NOT_YET
    if b"HTTP/1."[: len(server)] == server[:7].upper() or b"ICY "[: len(server)] == server[:4]:
        if len(server) < 13:
            return Match.NOT_YET
        return Match.YES if status_of(server[:13]) else Match.NO
    return Match.NO


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone."""
    client = client.lstrip(b"\r\n")
    end = client.find(b"\n")
    if end >= 0:
        return Match.YES if method_of(client[:end]) else Match.NO
    method = client[: MAX_METHOD_BYTES + 1].partition(b" ")[0]
    if len(method) > MAX_METHOD_BYTES or not TOKEN.issuperset(method):
        return Match.NO
    if len(client) < LONG_TARGET_BYTES:
        return Match.NOT_YET
    target = client[len(method) + 1 :]
    known = method.upper() in OPERATIONS and b" " not in target
    return Match.YES if known and target[:1] in (b"/", b"h") else Match.NO
