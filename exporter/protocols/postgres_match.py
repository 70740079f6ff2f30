"""Tells PostgreSQL's protocol, version 3, by its first bytes."""

from exporter.protocols import sql
from exporter.protocols.base import Match

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_STARTUP_BYTES = 10_000  # the server's own limit
MAX_MESSAGE_BYTES = 1 << 30
SESSION = 3  # the protocol's major version
REQUEST_LENGTHS = {SSL_REQUEST: range(8, 9), GSS_REQUEST: range(8, 9), CANCEL_REQUEST: range(16, 269)}
ENOUGH_PARAMETER_BYTES = 16

# Message types that each side sends, and the bounds of each one's length (its own four bytes included).
CLIENT_TYPES = frozenset(b"BCDEFHPQSXcdfp")
SERVER_TYPES = frozenset(b"123ACDEGHIKNRSTVWZcdnstv")
EXACT_LENGTHS = {ord(kind): 4 for kind in "SHXc"}
EXACT_SERVER_LENGTHS = {**{ord(kind): 4 for kind in "123Icns"}, ord("Z"): 5}
LEAST_TORN_BYTES = 10  # of a message that is judged by its beginning
FIELD_BYTES = 19  # of a row's description at least: an empty name and six numbers
VALUE_BYTES = 4  # of a row at least
FEW_MESSAGES = 3
# Parameters that every server tells of when it lets a client in (doc/src/sgml/protocol.sgml of PostgreSQL).
REPORTED_NAMES = (
    "application_name client_encoding DateStyle default_transaction_read_only in_hot_standby integer_datetimes "
    "IntervalStyle is_superuser scram_iterations search_path server_encoding server_version session_authorization "
    "standard_conforming_strings TimeZone"
)
REPORTED = frozenset(REPORTED_NAMES.encode().split())


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
    if code >> 16 == SESSION:
        return _judge_parameters(client[8:], length - 8) if 8 < length <= MAX_STARTUP_BYTES else Match.NO
    return Match.YES if length in REQUEST_LENGTHS.get(code, ()) else Match.NO


def _judge_parameters(parameters: bytes, length: int) -> Match:
    """Judge a start-up by its first parameter's name."""
    name = parameters.split(b"\0", 1)[0]
    if not name.replace(b"_", b"").replace(b".", b"").isalnum():
        return Match.NO if parameters else Match.NOT_YET
    return Match.NOT_YET if len(parameters) < min(length, ENOUGH_PARAMETER_BYTES) else Match.YES


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
    if kind not in CLIENT_TYPES or not 4 <= length <= MAX_MESSAGE_BYTES or EXACT_LENGTHS.get(kind, length) != length:
        return Match.NO
    if kind in b"QP":
        return _judge_statement(kind, body, whole)
    if kind in b"dpF":
        return Match.NOT_YET  # copied data, passwords and function calls could be anything's
    # The others name statements or portals: strings, and so many bytes behind them.
    sound = {
        ord("C"): body[:1] in (b"S", b"P", b"") and (not whole or body.endswith(b"\0")),
        ord("D"): body[:1] in (b"S", b"P", b"") and (not whole or body.endswith(b"\0")),
        ord("E"): not whole or body[-5:-4] == b"\0",
        ord("B"): length >= 12 and (not whole or body.count(b"\0") >= 2),
        ord("f"): not whole or body.endswith(b"\0"),
    }
    return Match.MAYBE if sound.get(kind, True) else Match.NO


def _judge_statement(kind: int, body: bytes, whole: bool) -> Match:
    text = body if kind == ord("Q") else body.partition(b"\0")[2]
    if whole and kind == ord("Q") and not body.endswith(b"\0"):
        return Match.NO
    if sql.operation_of(text.partition(b"\0")[0]) not in (sql.OTHER, sql.EMPTY):
        return Match.YES
    return Match.MAYBE if whole else Match.NOT_YET


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


def continues_server(server: bytes) -> bool:
    """Return whether a server that is known to speak PostgreSQL goes on so, in a message that may be cut short."""
    if match_server(server) >= Match.MAYBE:
        return True
    body = server[5:]
    size = int.from_bytes(server[1:5], "big") - 4
    if len(body) < LEAST_TORN_BYTES or not len(body) < size <= MAX_MESSAGE_BYTES:
        return False
    if server[0] in b"EN":
        return body[:1] == b"S" and body[1:LEAST_TORN_BYTES].partition(b"\0")[0].isalpha()
    fields = int.from_bytes(body[:2], "big")
    least = {ord("T"): FIELD_BYTES, ord("D"): VALUE_BYTES}.get(server[0])
    return least is not None and 0 < fields * least <= size - 2


def _judge_server(kind: int, length: int, body: bytes, whole: bool) -> Match:
    if EXACT_SERVER_LENGTHS.get(kind, length) != length:
        return Match.NO
    if not whole:
        return Match.NOT_YET
    # What tells PostgreSQL beyond doubt, then what only fits it.
    telling = {
        ord("Z"): body in (b"I", b"T", b"E"),
        ord("C"): body.endswith(b"\0") and sql.operation_of(body) is not sql.OTHER,
        ord("E"): body[:1] == b"S" and body.endswith(b"\0\0"),
        ord("N"): body[:1] == b"S" and body.endswith(b"\0\0"),
    }
    if kind == ord("S") and body.partition(b"\0")[0] in REPORTED and body.endswith(b"\0"):
        return Match.YES
    if kind in telling:
        return Match.YES if telling[kind] else Match.NO
    fitting = {
        ord("T"): length >= 6,
        ord("D"): length >= 6,
        ord("t"): length >= 6,
        ord("R"): length >= 8 and body[:3] == b"\0\0\0",
        ord("S"): body.count(b"\0") == 2 and body.endswith(b"\0"),
    }
    return Match.MAYBE if fitting.get(kind, True) else Match.NO
