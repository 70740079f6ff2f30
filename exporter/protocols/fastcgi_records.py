"""Records of FastCGI (https://fastcgi-archives.github.io/FastCGI_Specification.html, 3.3 and 8)."""

from exporter.protocols.base import Match, ParseError

HEAD_BYTES = 8
VERSION = 1
BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, VALUES, UNKNOWN = range(1, 12)
OF_CLIENT = frozenset({BEGIN, ABORT, PARAMS, STDIN, DATA, GET_VALUES})
OF_SERVER = frozenset({END, STDOUT, STDERR, VALUES, UNKNOWN})
MANAGEMENT = frozenset({GET_VALUES, VALUES, UNKNOWN})  # of the connection: their request's number is 0
FIXED_BYTES = {BEGIN: 8, END: 8, ABORT: 0, UNKNOWN: 8}
LAST_ROLE = 3
# How much is kept of the parameters, and of an answer's beginning, where its status stands.
MAX_PARAMS_BYTES, MAX_HEAD_BYTES = 16 << 10, 1 << 10
KEPT_BYTES = {BEGIN: 8, END: 8, PARAMS: MAX_PARAMS_BYTES, STDOUT: MAX_HEAD_BYTES}


def content_size(head: bytes) -> int:
    """Return the length of a record's content."""
    return head[4] << 8 | head[5]


def record_size(buffer: bytes | bytearray, start: int) -> int:
    """Return the length of the record at `start`, head and padding included; 0 if too little is there, -1 if none."""
    head = buffer[start : start + HEAD_BYTES]
    if head[0] != VERSION or (len(head) > 1 and not BEGIN <= head[1] <= UNKNOWN):
        return -1
    if len(head) < HEAD_BYTES:
        return 0
    kind, number, content = head[1], head[2] << 8 | head[3], head[4] << 8 | head[5]
    if head[7] or (number == 0) != (kind in MANAGEMENT) or FIXED_BYTES.get(kind, content) != content:
        return -1
    return HEAD_BYTES + content + head[6]


def measure(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure a record; only of what tells operations and results is anything kept beyond the head."""
    size = record_size(buffer, start)
    if size < 0:
        raise ParseError("no FastCGI record begins here")
    if size == 0:
        return 0, 0
    content = buffer[start + 4] << 8 | buffer[start + 5]
    return HEAD_BYTES + min(KEPT_BYTES.get(buffer[start + 1], 0), content), size


def begins(data: bytes) -> bool:
    """Return whether a segment begins with a record, and goes on with one if that is over."""
    size = record_size(data, 0)
    return size > 0 and (size >= len(data) or record_size(data, size) >= 0)


def judge(data: bytes, kinds: frozenset[int], sure: frozenset[int]) -> Match:
    """Judge whether bytes are a chain of records of some kinds.

    Args:
        kinds: what one side may send.
        sure: kinds of a fixed form, which nothing else looks like.
    """
    at = 0
    found = Match.NOT_YET
    while at < len(data):
        size = record_size(data, at)
        if size < 0 or (at + 1 < len(data) and data[at + 1] not in kinds):
            return Match.NO
        if size == 0:
            return found
        kind = data[at + 1]
        if kind in sure:
            form = _form(data[at + HEAD_BYTES : at + size], kind)
            if form is not Match.MAYBE:
                return form
        found = Match.MAYBE
        at += size
    return found


def _form(content: bytes, kind: int) -> Match:
    """Judge what a record of a fixed form holds; MAYBE if the kind has none."""
    if kind in (BEGIN, END):
        if len(content) < 8:
            return Match.NOT_YET
        # A role and one flag, or a status and why, and then zeros.
        fits = (
            content[0] == 0 < content[1] <= LAST_ROLE and content[2] <= 1 if kind == BEGIN else content[4] <= LAST_ROLE
        )
        return Match.YES if fits and not any(content[3 if kind == BEGIN else 5 : 8]) else Match.NO
    return Match.MAYBE
