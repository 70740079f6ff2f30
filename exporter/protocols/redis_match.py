"""Tells Redis' protocol (RESP 2 and 3, and inline commands) by its first bytes.

Compiled with the types of `redis_match.pxd`: connections that come and go cost mostly this.
"""

import re

from exporter.protocols.base import Match
from exporter.protocols.redis_commands import LONGEST_NAME, OPERATIONS

NO, NOT_YET, YES = Match.NO, Match.NOT_YET, Match.YES  # found by each look for less

# A command as every client library sends it, and what may yet become one.
COMMAND = re.compile(rb"\*[1-9]\d{0,6}\r\n\$(\d{1,10})\r\n")
COMMAND_BEGUN = re.compile(rb"\*(?:\d{1,7}(?:\r(?:\n(?:\$(?:\d{1,10}(?:\r\n?)?)?)?)?)?)?\Z")
NAME = re.compile(rb"[A-Za-z][A-Za-z0-9._:|-]*\Z")
# Inline commands that other line protocols answered with a plus sign share (POP3, NATS).
SHARED = frozenset((b"AUTH", b"ECHO", b"HELP", b"INFO", b"PING", b"QUIT", b"RESET", b"TYPE"))

REPLY = re.compile(
    rb"\+(?!OK )[\x20-\x7e]*\r\n"
    rb"|-[A-Z][A-Z0-9_]*(?: [^\r\n]*)?\r\n"
    rb"|:[+-]?\d{1,20}\r\n"
    rb"|[$*](?:-1|\d{1,10})\r\n"
    rb"|[~%>|=!](?:\d{1,10})\r\n"
    rb"|_\r\n|#[tf]\r\n|,[-+]?(?:inf|nan|[0-9.eE+-]{1,40})\r\n|\([+-]?\d{1,400}\r\n"
)
REPLY_BEGUN = re.compile(rb"(?:\+[\x20-\x7e]*|-(?:[A-Z][A-Z0-9_]*(?: [^\r\n]*)?)?|[:$*~%>|=!#_,(][^\r\n]{0,400})\r?\Z")

SHORTEST = 9  # bytes of a command's head with a name
MOST_DIGITS = 8  # of the number of words end before this
STAR, DOLLAR, RETURN, FEED = b"*$\r\n"
ZERO, ONE, NINE = b"019"

STRINGS = b"$=!"
OF_COMMANDS = frozenset(b"*$")  # which look as replies do
SEVERAL_REPLIES, MANY_REPLIES = 3, 16

# An error whose line was cut; what else begins so could be the rest of anything.
ERROR_BEGUN = re.compile(rb"-[A-Z][A-Z0-9_]+ [^\r\n]*\Z")


def continues_client(client: bytes) -> bool:
    """Return whether a client that is known to speak Redis goes on so, in a command that may be cut short."""
    judged = match_client(client)
    return judged >= Match.MAYBE or (judged is Match.NOT_YET and COMMAND.match(client) is not None)


def continues_server(server: bytes) -> bool:
    """Return whether a server that is known to speak Redis goes on so, in a reply that may be cut short."""
    return match_server(server) >= Match.MAYBE or ERROR_BEGUN.match(server) is not None


def match(client: bytes, server: bytes) -> Match:
    """Judge by a command, and by whether the server answers in kind."""
    asked = match_client(client) if client else NOT_YET
    if asked is YES and not server:
        return YES
    told = match_server(server) if server else NOT_YET
    if told is Match.MAYBE and not client:
        return match_replies(server)
    if asked is NO or told is NO or not client:
        return NO if NO in (asked, told) else told
    if asked is YES:
        return YES
    if asked is Match.MAYBE and told is Match.MAYBE and (server.startswith(b"+PONG\r\n") or not _is_shared(client)):
        return YES
    return asked


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone: YES for a known command, MAYBE for an unknown or an inline one."""
    if is_known(client):
        return YES
    if client[:1] != b"*":
        return _match_inline(client)
    head = COMMAND.match(client)
    if head is None:
        return NOT_YET if COMMAND_BEGUN.match(client) else NO
    length, begins = int(head[1]), head.end()
    name = client[begins : begins + length]
    if not 0 < length <= LONGEST_NAME + 8 or (name and not NAME.match(name)):
        return NO
    return NOT_YET if len(name) < length else Match.MAYBE


def is_known(client: bytes) -> bool:
    """Return whether the bytes begin as a known command does that a client library sent; its name is there whole."""
    size = len(client)
    if size < SHORTEST or client[0] != STAR or not ONE <= client[1] <= NINE:
        return False
    at = 2
    while at < MOST_DIGITS and at < size and ZERO <= client[at] <= NINE:
        at += 1
    if at + 3 > size or client[at] != RETURN or client[at + 1] != FEED or client[at + 2] != DOLLAR:
        return False
    at += 3
    digits = at
    length = 0
    while at < size and at < digits + 2 and ZERO <= client[at] <= NINE:
        length = 10 * length + client[at] - ZERO
        at += 1
    if length == 0 or at + 2 + length > size or client[at] != RETURN or client[at + 1] != FEED:
        return False
    return client[at + 2 : at + 2 + length].upper() in OPERATIONS


def _match_inline(client: bytes) -> Match:
    line, ending, _ = client.lstrip(b"\r\n").partition(b"\n")
    name = line.split(b" ", 1)[0].rstrip(b"\r")
    if not ending and len(name) == len(line.rstrip(b"\r")):
        return Match.NOT_YET if len(name) <= LONGEST_NAME and (not name or NAME.match(name)) else Match.NO
    return Match.MAYBE if name.upper() in OPERATIONS else Match.NO


def _is_shared(client: bytes) -> bool:
    words = client[: LONGEST_NAME + 8].split(None, 1)
    return bool(words) and words[0].upper() in SHARED


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone; a reply is too short to be more than MAYBE."""
    if REPLY.match(server):
        return Match.MAYBE
    return Match.NOT_YET if REPLY_BEGUN.match(server) else Match.NO


def match_replies(server: bytes) -> Match:
    """Judge several replies of a server whose client is not captured: a string of the length it says tells most."""
    kinds: set[int] = set()
    counted, at, strings = 0, 0, 0
    while counted < MANY_REPLIES:
        found = REPLY.match(server, at)
        if found is None:
            break
        kind, end = server[at], found.end()
        if kind in STRINGS and server[at + 1 : at + 2] != b"-":
            stop = end + int(server[at + 1 : end - 2]) + 2
            if stop > len(server):
                break
            if server[stop - 2 : stop] != b"\r\n":
                return NO
            strings += stop > end + 2
            end = stop
        elif kind in STRINGS:
            strings += 1  # none at all, which is said in a way of its own
        kinds.add(kind)
        counted += 1
        at = end
    sure = counted >= SEVERAL_REPLIES and strings > 0 and not kinds <= OF_COMMANDS
    return YES if sure else Match.MAYBE
