"""Tells NATS by its first bytes."""

import re

from exporter.protocols.base import Match

WORD = rb"[^\s\x00-\x1f]{1,1024}"
NUMBER = rb"\d{1,10}"
# With these arguments in one line, a verb is no other protocol's.
ASKING_LINE = (
    rb"CONNECT[ \t]+\{|H?PUB[ \t]+%b[ \t]+(?:%b[ \t]+)?(?:%b[ \t]+)?%b[ \t]*\r\n"
    rb"|SUB[ \t]+%b[ \t]+(?:%b[ \t]+)?%b[ \t]*\r\n" % (WORD, WORD, NUMBER, NUMBER, WORD, WORD, WORD)
)
TELLING_LINE = (
    rb'INFO[ \t]+\{[^\r]{0,512}"(?:server_id|version|nonce|max_payload)"'
    rb"|H?MSG[ \t]+%b[ \t]+%b[ \t]+(?:%b[ \t]+)?(?:%b[ \t]+)?%b[ \t]*\r\n" % (WORD, WORD, WORD, NUMBER, NUMBER)
)
ASKING, TELLING = re.compile(ASKING_LINE, re.IGNORECASE), re.compile(TELLING_LINE, re.IGNORECASE)
# The same behind the end of what came before.
ASKING_ON = re.compile(rb"\r\n(?=%b)" % ASKING_LINE, re.IGNORECASE)
TELLING_ON = re.compile(rb"\r\n(?=%b)" % TELLING_LINE, re.IGNORECASE)
# A line whose end lies behind what was copied of its packet.
ASKING_BEGUN = re.compile(rb"(?:CONNECT[ \t]+\{|(?:H?PUB|SUB|UNSUB)[ \t]+[^\s\x00-\x1f])[^\r\n]*\Z", re.IGNORECASE)
TELLING_BEGUN = re.compile(rb"(?:INFO[ \t]+\{|H?MSG[ \t]+[^\s\x00-\x1f]|-ERR[ \t]+')[^\r\n]*\Z", re.IGNORECASE)
UNSURE = re.compile(rb"UNSUB[ \t]+%b(?:[ \t]+%b)?[ \t]*\r\n|(?:PING|PONG)[ \t]*\r\n" % (WORD, NUMBER), re.IGNORECASE)
UNSURE_TELLING = re.compile(rb"(?:PING|PONG|\+OK)[ \t]*\r\n|-ERR[ \t]+'[^\r\n]{1,200}'\r\n", re.IGNORECASE)
ASKING_VERBS = (b"CONNECT ", b"PUB ", b"HPUB ", b"SUB ", b"UNSUB ", b"PING\r\n", b"PONG\r\n")
TELLING_VERBS = (b"INFO ", b"MSG ", b"HMSG ", b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR ")
LONGEST_LINE = 4096


def match(client: bytes, server: bytes) -> Match:
    """Judge by either direction's first line; pings and their answers only by both."""
    asked = match_client(client) if client else Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if asked is told is Match.MAYBE and client[:4].upper() != server[:4].upper():
        # PING and PONG without arguments: Redis has a plus sign before its answer.
        return Match.YES if {client[:4].upper(), server[:4].upper()} == {b"PING", b"PONG"} else Match.MAYBE
    return max(asked, told)


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone."""
    return _match(client, ASKING, UNSURE, ASKING_VERBS)


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    return _match(server, TELLING, UNSURE_TELLING, TELLING_VERBS)


def resume_client(data: bytes) -> int:
    """Return where the first line of a client begins in a segment after a loss; -1 if none does."""
    if ASKING_BEGUN.match(data) or match_client(data[:LONGEST_LINE]) >= Match.MAYBE:
        return 0
    return _behind(ASKING_ON.search(data))


def resume_server(data: bytes) -> int:
    """Return where the first line of a server begins in a segment after a loss; -1 if none does."""
    if TELLING_BEGUN.match(data) or match_server(data[:LONGEST_LINE]) >= Match.MAYBE:
        return 0
    return _behind(TELLING_ON.search(data))


def _behind(found: re.Match[bytes] | None) -> int:
    return found.end() if found else -1


def _match(head: bytes, sure: re.Pattern[bytes], unsure: re.Pattern[bytes], verbs: tuple[bytes, ...]) -> Match:
    if sure.match(head):
        return Match.YES
    if unsure.match(head):
        return Match.MAYBE
    begun = head[:8].upper().replace(b"\t", b" ")
    fits = any(verb.startswith(begun[: len(verb)]) for verb in verbs)
    whole = b"\n" in head or len(head) > LONGEST_LINE
    return Match.NOT_YET if fits and not whole else Match.NO
