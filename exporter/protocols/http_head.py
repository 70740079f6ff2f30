"""Heads of HTTP/1 messages: start lines and the few header fields that say where a message ends."""

from dataclasses import dataclass
from enum import Enum

from exporter.model import Operation
from exporter.protocols.base import Match

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
# A target of which not even the end was seen by then is taken for one if all before it fits.
LONG_TARGET_BYTES = 512
TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Framing(Enum):
    """How a body's end is found."""

    NONE = "none"  # no field says anything
    LENGTH = "length"
    CHUNKED = "chunked"


@dataclass(frozen=True)
class Body:
    """What the header fields say of a body; the length is 0 unless the framing is by length."""

    framing: Framing
    length: int = 0


NO_BODY = Body(Framing.NONE)
CHUNKED_BODY = Body(Framing.CHUNKED)


def head_end(buffer: bytes | bytearray, start: int, scanned: int) -> int:
    """Return where the head that begins at `start` ends, past its empty line; -1 if that is not in the buffer yet.

    The first `scanned` bytes of the head are known to hold no end.
    """
    begin = max(start, start + scanned - 2)
    crlf = buffer.find(b"\n\r\n", begin)
    bare = buffer.find(b"\n\n", begin, len(buffer) if crlf < 0 else crlf + 1)
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else -1


def method_of(line: bytes) -> bytes:
    """Return the method of a request line of HTTP/1, in upper case; empty if it is none."""
    line = line.rstrip()
    if len(line) < 12 or line[-8:-1].upper() != b"HTTP/1." or not line[-1:].isdigit() or line[-9:-8] != b" ":
        return b""
    method = line[: line.find(b" ")]
    return method.upper() if len(method) <= MAX_METHOD_BYTES and TOKEN.issuperset(method) else b""


def operation_of(method: bytes) -> Operation:
    """Return what a method asks for."""
    return OPERATIONS.get(method, OTHER_METHOD)


def status_of(line: bytes) -> int:
    """Return the code of a status line of HTTP/1, or of Shoutcast's imitation; 0 if it is none."""
    if line[:7].upper() == b"HTTP/1.":
        digits = line[9:12]
        return int(digits) if line[8:9] == b" " and _is_code(digits) and line[12:13].strip() == b"" else 0
    return int(line[4:7]) if line[:4] == b"ICY " and _is_code(line[4:7]) else 0


def _is_code(digits: bytes) -> bool:
    return len(digits) == 3 and digits.isdigit() and digits[0] != 0x30


def body_of(fields: bytes) -> Body:
    """Return what header fields, from the line feed of the start line on and in lower case, say of the body.

    A chunked body overrides a length; lengths that are no numbers or contradict each other count as none at all.
    """
    coding = _value(fields, b"\ntransfer-encoding", 0)
    if coding is not None and b"chunked" in coding:
        return CHUNKED_BODY
    first = fields.find(b"\ncontent-length")
    if first < 0:
        return NO_BODY
    value = _value(fields, b"\ncontent-length", first)
    second = fields.find(b"\ncontent-length", first + 1)
    if value is None or (second >= 0 and _value(fields, b"\ncontent-length", second) != value):
        return NO_BODY
    numbers = {part.strip() for part in value.split(b",")}
    number = numbers.pop()
    if numbers or not number.isdigit() or len(number) > 18:
        return NO_BODY
    return Body(Framing.LENGTH, int(number))


def _value(fields: bytes, name: bytes, start: int) -> bytes | None:
    """Return the value of the first field of that name from `start` on."""
    found = fields.find(name, start)
    while found >= 0:
        end = fields.find(b"\n", found + 1)
        rest = fields[found + len(name) : end if end >= 0 else len(fields)].lstrip(b" \t")
        if rest[:1] == b":":
            return rest[1:].strip()
        found = fields.find(name, found + 1)
    return None


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
