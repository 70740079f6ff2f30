"""Tells CQL's native protocol by its first bytes."""

from collections.abc import Callable

from exporter.protocols import sql
from exporter.protocols.base import Match
from exporter.protocols.cassandra_envelope import (
    ANSWERING,
    ANSWERS,
    AUTH_RESPONSE,
    AUTHENTICATE,
    BATCH,
    BETA,
    ERROR,
    EVENT,
    EXECUTE,
    FRAMED_SINCE,
    HEADER,
    LATEST,
    LEAST_HEADER,
    MAX_BODY_BYTES,
    OPTIONS,
    PREPARE,
    PREPARED,
    QUERY,
    READY,
    REGISTER,
    REQUESTS,
    RESULT,
    ROWS,
    SCHEMA_CHANGE,
    SET_KEYSPACE,
    STARTUP,
    SUPPORTED,
    VOID,
    Envelope,
    envelope,
    number,
)
from exporter.protocols.cassandra_segments import first_payload, may_be_segment, segment_kind

ERRORS = frozenset(
    (
        *(0x0000, 0x000A, 0x0100, 0x1000, 0x1001, 0x1002, 0x1003, 0x1100, 0x1200, 0x1300, 0x1400, 0x1500, 0x1600),
        *(0x1700, 0x2000, 0x2100, 0x2200, 0x2300, 0x2400, 0x2500),
    )
)
IDENTIFIER_BYTES = 16  # of a prepared statement, an MD5
KEYWORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
MAX_COLUMNS = 10_000


def match(client: bytes, server: bytes) -> Match:
    """Judge by either direction's first message, or by the stream that both name."""
    asked = match_client(client) if client else Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if asked is told is Match.MAYBE and (client[0] | ANSWERING, client[2:4]) == (server[0], server[2:4]):
        return Match.YES
    return max(asked, told)


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone."""
    return _match(client, 0)


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    return _match(server, ANSWERING)


def _match(head: bytes, answering: int) -> Match:
    judged = match_envelope(head, answering)
    if judged is Match.YES:
        return judged
    if len(head) < LEAST_HEADER:
        return max(judged, Match.NOT_YET if may_be_segment(head) else Match.NO)
    kind = segment_kind(head, 0)
    if kind is None:
        return judged
    return match_envelope(first_payload(head, kind), answering, FRAMED_SINCE)


def match_envelope(head: bytes, answering: int, least_version: int = 1) -> Match:
    """Judge the beginning of an envelope."""
    version = (head[0] if head else least_version | answering) ^ answering
    header = HEADER if version >= 3 else LEAST_HEADER
    if not least_version <= version <= LATEST:
        return Match.NO
    if len(head) < header:
        return Match.NOT_YET
    opcode, length, flags = head[header - 5], number(head, header - 4, 4), head[1]
    known = opcode in (ANSWERS if answering else REQUESTS) and length <= MAX_BODY_BYTES and flags < 2 * BETA
    if not known:
        return Match.NO
    seen = envelope(head[: header + length], answering)
    if (seen.stream < 0) is not (answering > 0 and opcode == EVENT):
        return Match.NO
    return _judge(seen, len(head) >= header + length)


def _judge(seen: Envelope, whole: bool) -> Match:
    """Judge a body by what its kind of message begins with."""
    if not seen.length:
        return Match.YES if seen.opcode in (OPTIONS, READY) else Match.NO
    judge = JUDGES.get(seen.opcode)
    if judge is None:
        return Match.MAYBE
    if len(seen.body) < min(seen.length, 4):
        return Match.NOT_YET
    if judge(seen):
        return Match.YES
    return Match.NO if whole or len(seen.body) >= 20 else Match.NOT_YET


def _is_keyword(body: bytes, at: int) -> bool:
    """Return whether a short string of capitals begins at `at`."""
    length = number(body, at, 2)
    word = body[at + 2 : at + 2 + length]
    return 2 < length <= 64 and len(word) >= min(length, 4) and not word.strip(KEYWORD)


def _is_table(seen: Envelope) -> bool:
    return 0 < number(seen.body, 0, 2) <= 64 and _is_keyword(seen.body, 2)


def _is_statement(seen: Envelope) -> bool:
    return _begins_statement(seen.body, 0)


def _begins_statement(body: bytes, at: int) -> bool:
    length = number(body, at, 4)
    text = body[at + 4 : at + 4 + length]
    return length > 0 and len(text) >= min(length, 8) and sql.operation_of(text) not in (sql.EMPTY, sql.OTHER)


def _is_execution(seen: Envelope) -> bool:
    return number(seen.body, 0, 2) == IDENTIFIER_BYTES and seen.length > IDENTIFIER_BYTES + 2


def _is_batch(seen: Envelope) -> bool:
    body = seen.body
    if body[0] > 2 or not number(body, 1, 2):
        return False
    if body[3:4] == b"\1":
        return number(body, 4, 2) == IDENTIFIER_BYTES
    return body[3:4] == b"\0" and _begins_statement(body, 4)


def _is_token(seen: Envelope) -> bool:
    return number(seen.body, 0, 4) == seen.length - 4


def _is_error(seen: Envelope) -> bool:
    return number(seen.body, 0, 4) in ERRORS or number(seen.body, 4, 2) == seen.length - 6 > 0


def _is_authenticator(seen: Envelope) -> bool:
    return number(seen.body, 0, 2) == seen.length - 2 and seen.body[2:6].isalnum()


def _is_result(seen: Envelope) -> bool:
    kind, body = number(seen.body, 0, 4), seen.body
    if kind == VOID:
        return len(body) == 4 or seen.flags != 0
    if kind == ROWS:
        return len(body) >= 12 and number(body, 4, 4) < 16 and number(body, 8, 4) <= MAX_COLUMNS
    if kind == SET_KEYSPACE:
        return number(body, 4, 2) == seen.length - 6
    if kind == PREPARED:
        return number(body, 4, 2) == IDENTIFIER_BYTES
    return kind == SCHEMA_CHANGE and _is_keyword(body, 4)


def _is_event(seen: Envelope) -> bool:
    return _is_keyword(seen.body, 0)


JUDGES: dict[int, Callable[[Envelope], bool]] = {
    STARTUP: _is_table,
    REGISTER: _is_table,
    SUPPORTED: _is_table,
    QUERY: _is_statement,
    PREPARE: _is_statement,
    EXECUTE: _is_execution,
    BATCH: _is_batch,
    AUTH_RESPONSE: _is_token,
    ERROR: _is_error,
    AUTHENTICATE: _is_authenticator,
    RESULT: _is_result,
    EVENT: _is_event,
}
