"""Tells ClickHouse's native protocol, and its queries, by their first bytes."""

import re

from exporter.model import UNKNOWN_OPERATION, Operation
from exporter.protocols import sql
from exporter.protocols.base import Match

HELLO, QUERY, DATA, CANCEL, PING = range(5)
LONGEST_HEAD = 512
WORD = rb"(?:\x00|[\x01-\x7f][^\x00-\x1f]{1,127}?)"  # a short text and the length before it, which is checked apart
# A revision of 54016 to 54783 as a varint.
REVISION = rb"[\x80-\xff][\xa6-\xab]\x03"
CLIENT_HELLO = re.compile(rb"\x00([\x01-\x7f])([\x20-\x7e]{1,127}?)[\x00-\x7f][\x00-\x7f]%b" % REVISION)
SERVER_HELLO = re.compile(rb"\x00\x0aClickHouse[\x00-\x7f][\x00-\x7f]%b" % REVISION)
# Its identifier, that it is the first one of its kind or another's, and from which address the first one came.
QUERY_HEAD = re.compile(
    rb"\x01%b[\x01\x02]%b%b[\x03-\x40][0-9a-fA-F:.\[\]]{1,50}:\d{1,5}" % (WORD, WORD, WORD), re.DOTALL
)
FIRST_SERVER_BYTES = frozenset(range(18))
# Behind the stage up to which a query runs and whether its data are compressed, its length and its text.
VERBS = (
    b"SELECT|INSERT|WITH|CREATE|ALTER|DROP|SHOW|DESCRIBE|DESC|EXISTS|SET|USE|OPTIMIZE|SYSTEM|KILL|RENAME|TRUNCATE|EXPLAIN"
    b"|GRANT|REVOKE|ATTACH|DETACH|EXCHANGE|CHECK|DELETE|UPDATE|BACKUP|RESTORE|UNDROP|MOVE"
)
TEXT = re.compile(
    rb"[\x00-\x04][\x00\x01](?:[\x01-\x7f]|[\x80-\xff][\x01-\x7f]|[\x80-\xff]{2}[\x01-\x7f])[\s(]*(?=(%b)\b|/\*|--)"
    % VERBS,
    re.IGNORECASE,
)
OWN_VERBS = {
    verb: Operation(verb.decode())
    for verb in (b"EXISTS", b"SYSTEM", b"ATTACH", b"DETACH", b"EXCHANGE", b"CHECK", b"BACKUP")
}


def operation_of(query: bytes) -> Operation:
    """Return what the query in a packet asks for; which fields stand before its text depends on the revision."""
    found = TEXT.search(query, 1)
    if found is None:
        return UNKNOWN_OPERATION
    own = OWN_VERBS.get((found[1] or b"").upper())
    return own or sql.operation_of(query[found.end() :])


def is_query(data: bytes) -> Match:
    """Judge whether bytes are the head of a query's packet."""
    if QUERY_HEAD.match(data):
        return Match.YES
    return Match.NOT_YET if data[:1] == b"\1" and len(data) < LONGEST_HEAD else Match.NO


def match(client: bytes, server: bytes) -> Match:
    """Judge by either side's greeting, or by the head of a query; the rest of what servers send looks like anything."""
    if server[:1] and server[0] not in FIRST_SERVER_BYTES:
        return Match.NO
    if SERVER_HELLO.match(server):
        return Match.YES
    return _match_client(client) if client else Match.NOT_YET


def _match_client(client: bytes) -> Match:
    if client[0] == QUERY:
        return is_query(client)
    if client[0] != HELLO:
        return Match.NO
    found = CLIENT_HELLO.match(client)
    if found:
        return Match.YES if len(found[2]) == found[1][0] else Match.NO
    name = client[2:]
    whole = len(client) > 1 and len(name) >= client[1] + 5
    fits = len(client) < 2 or (
        0 < client[1] < 0x80 and name[: client[1]].isascii() and name[: client[1]].decode().isprintable()
    )
    return Match.NOT_YET if fits and not whole else Match.NO
