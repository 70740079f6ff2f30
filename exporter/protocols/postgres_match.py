"""Tells PostgreSQL's protocol, version 3, by its first bytes."""

from exporter.protocols import sql
from exporter.protocols.base import Match

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_STARTUP_BYTES = 10_000  # the server's own limit
MAX_MESSAGE_BYTES = 1 << 30

# Message types that each side sends, and the bounds of each one's length (its own four bytes included).
CLIENT_TYPES = frozenset(b"BCDEFHPQSXcdfp")
SERVER_TYPES = frozenset(b"123ACDEGHIKNRSTVWZcdnstv")
EXACT_LENGTHS = {ord(kind): 4 for kind in "SHXc"}
EXACT_SERVER_LENGTHS = {**{ord(kind): 4 for kind in "123Icns"}, ord("Z"): 5}
TRANSACTION_STATES = b"ITE"
FEW_MESSAGES = 3


def match(client: bytes, server: bytes) -> Match:
    """Judge by the start-up, or by chains of well-formed messages where the start was not seen."""
    if client:
        asked = match_startup(client)
        if asked is Match.NO:
            asked = match_client(client)
    else:
        asked = Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if asked is Match.MAYBE and told is Match.MAYBE:
        return Match.YES
    return max(asked, told)


def match_startup(client: bytes) -> Match:
    """Judge a start-up, or a request for encryption or cancellation, which have no type."""
    if client[:1] != b"\0":
        return Match.NO
    if len(client) < 8:
        return Match.NOT_YET if client[:2] in (b"\0", b"\0\0") else Match.NO
    length, code = int.from_bytes(client[:4], "big"), int.from_bytes(client[4:8], "big")
    if code in (SSL_REQUEST, GSS_REQUEST):
        return Match.YES if length == 8 else Match.NO
    if code == CANCEL_REQUEST:
        return Match.YES if 16 <= length <= 268 else Match.NO
    if code >> 16 != 3 or not 8 < length <= MAX_STARTUP_BYTES:
        return Match.NO
    name = client[8:].split(b"\0", 1)[0]
    if len(client) < 24 and len(client) < length and name.isalnum():
        return Match.NOT_YET
    return Match.YES if name.replace(b"_", b"").replace(b".", b"").isalnum() else Match.NO


def match_client(client: bytes) -> Match:
    """Judge messages of a running session alone; a statement that begins with a known verb is one beyond doubt."""
    found = Match.NOT_YET
    position = 0
    for _ in range(FEW_MESSAGES):
        head = client[position : position + 5]
        if len(head) < 5:
            return found if not head or head[0] in CLIENT_TYPES else Match.NO
        kind, length = head[0], int.from_bytes(head[1:], "big")
        body = client[position + 5 : position + 1 + length]
        judged = _judge_client(kind, length, body, len(body) == length - 4)
        if judged in (Match.NO, Match.YES):
            return judged
        found = max(found, judged)
        position += 1 + length
    return found


def _judge_client(kind: int, length: int, body: bytes, whole: bool) -> Match:
    if kind not in CLIENT_TYPES or not 4 <= length <= MAX_MESSAGE_BYTES:
        return Match.NO
    if kind in EXACT_LENGTHS:
        return Match.MAYBE if length == 4 else Match.NO
    if kind in b"QP":
        text = body if kind == ord("Q") else body.partition(b"\0")[2]
        if whole and not body.endswith(b"\0") and kind == ord("Q"):
            return Match.NO
        known = sql.operation_of(text.partition(b"\0")[0])
        return Match.YES if known not in (sql.OTHER, sql.EMPTY) else Match.MAYBE if whole else Match.NOT_YET
    if kind in b"CD":  # close or describe a statement or a portal
        return Match.MAYBE if body[:1] in (b"S", b"P", b"") and (not whole or body.endswith(b"\0")) else Match.NO
    if kind == ord("E"):
        return Match.MAYBE if not whole or body[-5:-4] == b"\0" else Match.NO
    if kind == ord("B"):
        return Match.MAYBE if length >= 12 and (not whole or body.count(b"\0") >= 2) else Match.NO
    return Match.NOT_YET  # copied data, passwords and function calls could be anything's


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    if server[:1] in (b"S", b"N", b"G") and len(server) == 1:
        return Match.NOT_YET  # the answer to a request for encryption
    position = 1 if server[:1] in (b"N", b"S") and server[1:2] in (b"R", b"E", b"N") and server[2:3] == b"\0" else 0
    found = Match.NOT_YET
    for _ in range(FEW_MESSAGES):
        head = server[position : position + 5]
        if len(head) < 5:
            return found if not head or head[0] in SERVER_TYPES else Match.NO
        kind, length = head[0], int.from_bytes(head[1:], "big")
        if kind not in SERVER_TYPES or not 4 <= length <= MAX_MESSAGE_BYTES:
            return Match.NO
        body = server[position + 5 : position + 1 + length]
        judged = _judge_server(kind, length, body, len(body) == length - 4)
        if judged in (Match.NO, Match.YES):
            return judged
        found = max(found, judged)
        position += 1 + length
    return found


def _judge_server(kind: int, length: int, body: bytes, whole: bool) -> Match:
    if EXACT_SERVER_LENGTHS.get(kind, length) != length:
        return Match.NO
    if kind == ord("Z"):
        if not body:
            return Match.NOT_YET
        return Match.YES if body[0] in TRANSACTION_STATES else Match.NO
    if not whole:
        return Match.NOT_YET
    if kind == ord("C"):
        return Match.YES if body.endswith(b"\0") and sql.operation_of(body) is not sql.OTHER else Match.NO
    if kind in b"EN":
        return Match.YES if body[:1] == b"S" and body.endswith(b"\0\0") else Match.NO
    if kind in b"TDt":
        return Match.MAYBE if length >= 6 else Match.NO
    if kind == ord("R"):
        return Match.MAYBE if length >= 8 and body[:3] == b"\0\0\0" else Match.NO
    if kind == ord("S"):
        return Match.MAYBE if body.count(b"\0") == 2 and body.endswith(b"\0") else Match.NO
    return Match.MAYBE
