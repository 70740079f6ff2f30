"""Tells memcached's protocols by their first bytes."""

import re

from exporter.protocols.base import Match
from exporter.protocols.memcached_commands import (
    ANSWERS,
    FAILURES,
    HEADER_BYTES,
    LONGEST_NAME,
    OPCODES,
    REQUEST_MAGIC,
    RESPONSE_MAGIC,
)

KEY = rb"[^\s\x00-\x1f\x7f]{1,250}"
# Nothing else asks like this; incr, touch and the like are also spoken by others (beanstalkd, Redis' inline commands).
STORAGE = re.compile(
    rb"(?:set|add|replace|append|prepend) " + KEY + rb" \d{1,10} -?\d{1,11} (\d{1,10})(?: noreply)?\r?\n"
    rb"|cas " + KEY + rb" \d{1,10} -?\d{1,11} (\d{1,10}) \d{1,20}(?: noreply)?\r?\n"
    rb"|ms " + KEY + rb" (\d{1,10})(?: [A-Za-z][^\s]*)*\r?\n"
)
PLAIN = re.compile(
    rb"(?:gets?(?: " + KEY + rb")+|gats? -?\d{1,11}(?: " + KEY + rb")+"
    rb"|(?:incr|decr) " + KEY + rb" \d{1,20}(?: noreply)?|touch " + KEY + rb" -?\d{1,11}(?: noreply)?"
    rb"|delete " + KEY + rb"(?: 0)?(?: noreply)?|stats(?: [a-z_ ]{1,40})?|version|verbosity \d+(?: noreply)?"
    rb"|flush_all(?: -?\d{1,11})?(?: noreply)?|quit|m[gda] " + KEY + rb"(?: [A-Za-z][^\s]*)*|me " + KEY + rb"|mn"
    rb"|config get cluster|lru_crawler [a-z_ 0-9,]+|slabs [a-z_ 0-9]+|watch(?: [a-z]+)+) ?\r?\n"
)
BEGUN = re.compile(
    rb"(?:(?:set|add|replace|append|prepend|cas|gets?|gats?|incr|decr|touch|delete|stats|verbosity|flush_all|m[gdase]"
    rb"|config|lru_crawler|slabs|watch) [^\x00-\x1f\x7f]*|[a-z_]{1,%d})\r?\Z" % LONGEST_NAME
)
# Replies that others do not send, whose lines are well formed; the shorter ones need a fitting command.
TELLING = re.compile(
    rb"VALUE " + KEY + rb" \d{1,10} \d{1,10}(?: \d{1,20})?\r\n|STAT [a-z_0-9:]+ [^\r\n]*\r\n|CONFIG cluster 0 \d+\r\n"
)
OWN = re.compile(
    rb"(?:END|STORED|NOT_STORED|TOUCHED|VERSION \d[^\r\n]*|VA \d{1,10}(?: [A-Za-z][^\s]*)*"
    rb"|(?:HD|EN|NF|NS|EX)(?: [A-Za-z][^\s]*)*|MN|ITEM [^\r\n]*|key=[^\r\n]*)\r\n"
)
SHARED = re.compile(
    rb"(?:DELETED|NOT_FOUND|EXISTS|OK|RESET|ERROR|CLIENT_ERROR [^\r\n]*|SERVER_ERROR [^\r\n]*|\d{1,20} ?)\r\n"
)
REPLY_BEGUN = re.compile(
    rb"(?:(?:VALUE|STAT|VERSION|VA|HD|EN|NF|NS|EX|ITEM|CLIENT_ERROR|SERVER_ERROR|CONFIG) [^\r\n]*|[A-Z_]{1,12}|\d{1,20}"
    rb"|key=[^\r\n]*)\r?\Z"
)
FEW_COMMANDS = 3
# Where a counter's or a touch's answer is one that only memcached gives to it.
COUNTING = (b"incr ", b"decr ", b"mg ", b"md ", b"ma ")


def match(client: bytes, server: bytes) -> Match:
    """Judge by commands and whether the server answers in kind."""
    asked = match_client(client) if client else Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if not client:
        return told
    if asked is Match.MAYBE and (told is Match.MAYBE or _counted(client, server)):
        return Match.YES
    if asked is Match.MAYBE and told is Match.YES:
        return Match.YES
    return asked


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone: YES for storage or several commands in a row."""
    if client[0] == REQUEST_MAGIC:
        return _match_header(client, REQUEST_MAGIC)
    if not 0x61 <= client[0] <= 0x7A:  # every command is in small letters
        return Match.NO
    position = 0
    for _ in range(FEW_COMMANDS):
        found = STORAGE.match(client, position)
        if found is not None:
            return Match.YES
        found = PLAIN.match(client, position)
        if found is None:
            if BEGUN.match(client, position):
                return Match.MAYBE if position else Match.NOT_YET
            return Match.MAYBE if position == len(client) else Match.NO
        position = found.end()
    return Match.YES


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    if server[0] == RESPONSE_MAGIC:
        return _match_header(server, RESPONSE_MAGIC)
    position = 0
    for _ in range(FEW_COMMANDS):
        if TELLING.match(server, position):
            return Match.YES
        if OWN.match(server, position):
            return Match.MAYBE
        found = SHARED.match(server, position)
        if found is None:
            begun = position == len(server) or REPLY_BEGUN.match(server, position)
            return Match.NOT_YET if begun else Match.NO
        position = found.end()
    return Match.NOT_YET


def _counted(client: bytes, server: bytes) -> bool:
    return client.startswith(COUNTING) and SHARED.match(server) is not None


def _match_header(head: bytes, magic: int) -> Match:
    """Judge a binary header: its lengths have to agree with each other and with its opcode."""
    if len(head) < HEADER_BYTES:
        return Match.NOT_YET if len(head) < 2 or head[1] in OPCODES else Match.NO
    key, extras, body = int.from_bytes(head[2:4], "big"), head[4], int.from_bytes(head[8:12], "big")
    status = int.from_bytes(head[6:8], "big")
    sound = head[1] in OPCODES and head[5] == 0 and key <= 250 and key + extras <= body and extras <= 20
    if not sound or body > 1 << 30:
        return Match.NO
    if magic == RESPONSE_MAGIC and status not in ANSWERS and status not in FAILURES:
        return Match.NO
    return Match.YES


def resumes(client: bool, data: bytes) -> bool:
    """Return whether messages begin where a segment behind a loss does."""
    head = data[:4096]
    if client:
        return match_client(head) >= Match.MAYBE
    if match_server(head) >= Match.MAYBE:
        return True
    return head[0] != RESPONSE_MAGIC and SHARED.match(head) is not None
