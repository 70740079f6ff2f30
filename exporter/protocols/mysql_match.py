"""Tells MySQL's protocol by its first bytes."""

import re

from exporter.protocols import sql
from exporter.protocols.base import Match
from exporter.protocols.mysql_wire import (
    COMMANDS,
    ERROR,
    EXECUTIONS,
    GREETING,
    HEADER_BYTES,
    LARGEST,
    LENGTHS,
    OK,
    PROTOCOL_41,
    QUERY,
    STMT_PREPARE,
    statement,
)

VERSION = re.compile(rb"\d{1,2}\.\d{1,3}[\x20-\x7e]{0,200}\0")
VERSION_BEGUN = re.compile(rb"\d{0,2}(?:\.[\x20-\x7e]{0,204})?\Z")
REFUSAL = re.compile(rb"(?:#[0-9A-Z]{5})?[\x20-\x7e]{4,}", re.DOTALL)
ERROR_CODES = range(1000, 14_000)
DEFINED = b"\x03def"  # the catalogue that every column's definition names
LONGEST_GREETING = 512
LOGIN_BYTES = 32
PASSING = (0x09, 0x0E, 0x0D, 0x1F)


def match(client: bytes, server: bytes) -> Match:
    """Judge by the greeting, or by a command and its answer where the start was not seen."""
    asked = match_client(client) if client else Match.NOT_YET
    if asked is Match.YES and client[3]:
        return Match.YES  # a login, though what is left of the greeting before it may be torn
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if client and asked is Match.NOT_YET and server[3:4] != b"\0":
        return Match.NOT_YET  # what is left of a command, perhaps
    if asked is Match.MAYBE and told is Match.MAYBE:
        return Match.YES
    return max(asked, told)


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone: a login, or a command."""
    if len(client) < HEADER_BYTES + 1:
        return Match.NOT_YET if len(client) < HEADER_BYTES or client[3] in (0, 1, 2) else Match.NO
    length = int.from_bytes(client[:3], "little")
    body = client[HEADER_BYTES : HEADER_BYTES + length]
    if client[3] in (1, 2):
        return _match_login(length, body)
    if client[3] != 0 or body[:1] == b"":
        return Match.NO
    return _match_command(length, body)


def _match_login(length: int, body: bytes) -> Match:
    if not LOGIN_BYTES <= length < LARGEST:
        return Match.NO
    if len(body) < LOGIN_BYTES:
        return Match.NOT_YET
    # Character set and 19 bytes that are nothing; MariaDB uses the last 4 of the 23.
    sound = body[9:28] == bytes(19) and int.from_bytes(body[:4], "little") & PROTOCOL_41
    return Match.YES if sound else Match.NO


def _match_command(length: int, body: bytes) -> Match:
    code = body[0]
    if code not in COMMANDS or LENGTHS.get(code, length) != length:
        return Match.NO
    if code in (QUERY, STMT_PREPARE):
        text = statement(body[1:], None if code == QUERY else False)
        if length > 3 and sql.operation_of(text) not in (sql.OTHER, sql.EMPTY):
            return Match.YES
        return Match.NOT_YET if len(body) < min(length, 16) else Match.MAYBE if _is_text(text) else Match.NO
    if code in EXECUTIONS:
        if len(body) < min(length, 10):
            return Match.NOT_YET
        # Statement, flags, and a count of iterations that is always 1.
        return Match.MAYBE if length >= 10 and body[5] <= 15 and body[6:10] == b"\1\0\0\0" else Match.NO
    return Match.MAYBE if code in LENGTHS else Match.NOT_YET


def _is_text(text: bytes) -> bool:
    return bool(text) and b"\0" not in text[:64] and text[:1].isascii()


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone: a greeting, a refusal, or the answer to a command."""
    if len(server) < HEADER_BYTES + 1:
        return Match.NOT_YET if len(server) < HEADER_BYTES or server[3] in (0, 1, 2) else Match.NO
    length = int.from_bytes(server[:3], "little")
    body = server[HEADER_BYTES : HEADER_BYTES + length]
    if server[3] == 0:
        return _match_greeting(length, body)
    return _match_answer(server, length, body) if length and server[3] == 1 else Match.NO


def _match_greeting(length: int, body: bytes) -> Match:
    if not 8 < length <= LONGEST_GREETING:
        return Match.NO
    if body[0] == GREETING:
        if VERSION.match(body, 1):
            return Match.YES
        return Match.NOT_YET if len(body) < length and VERSION_BEGUN.match(body, 1) else Match.NO
    return _match_error(length, body) if body[0] == ERROR else Match.NO


def _match_error(length: int, body: bytes) -> Match:
    if len(body) < min(length, 10):
        return Match.NOT_YET
    sound = int.from_bytes(body[1:3], "little") in ERROR_CODES and REFUSAL.match(body, 3)
    return Match.YES if sound else Match.NO


def _match_answer(server: bytes, length: int, body: bytes) -> Match:
    if body[0] == ERROR:
        return _match_error(length, body)
    if body[0] == OK:
        return Match.MAYBE if 7 <= length < 4096 else Match.NO
    if length > 9:
        return Match.NO
    following = server[HEADER_BYTES + length :]
    if len(following) < HEADER_BYTES + len(DEFINED):
        return Match.NOT_YET
    return Match.YES if following[3] == 2 and following[4:8] == DEFINED else Match.NO


def resumes(client: bool, data: bytes) -> bool:
    """Return whether messages begin where a segment behind a loss does."""
    return (match_client if client else match_server)(data[:4096]) >= Match.MAYBE
