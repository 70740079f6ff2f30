"""Tells SMTP (RFC 5321), and LMTP (RFC 2033), by its first bytes."""

import re

from exporter.protocols.base import Match

# What no other protocol's client begins with.
ASKING = re.compile(rb"(?:EHLO|HELO|LHLO)[ \t]+[^\s]|MAIL FROM:[ \t]*<|RCPT TO:[ \t]*<|XCLIENT [A-Z]+=", re.IGNORECASE)
# Commands that FTP, NNTP and POP3 have as well, or that are too short to be sure.
UNSURE = re.compile(
    rb"(?:DATA|RSET|NOOP|QUIT|STARTTLS|HELP)[ \t]*\r?\n|BDAT \d{1,12}(?: LAST)?[ \t]*\r?\n"
    rb"|AUTH (?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|[A-Z0-9-]{4,20})[ \r\n]|VRFY |EXPN |ETRN ",
    re.IGNORECASE,
)
VERBS = (
    *(b"EHLO ", b"HELO ", b"LHLO ", b"MAIL FROM:", b"RCPT TO:", b"XCLIENT ", b"DATA\r\n", b"RSET\r\n", b"NOOP\r\n"),
    *(b"QUIT\r\n", b"STARTTLS\r\n", b"HELP\r\n", b"BDAT ", b"AUTH ", b"VRFY ", b"EXPN ", b"ETRN "),
)
LONGEST_WORD = 32
LINE = re.compile(rb"[\x20-\x7e\t\x80-\xff]*\r?\n?\Z")
REPLY = re.compile(rb"[2-5][0-5]\d(?:[ -]|\r?\n)")
# Those that the standards assign, which other protocols of such replies have few of.
ASSIGNED = re.compile(rb"(?:21[14]|22[01]|235|25[0-3]|334|354|4[25]\d|5[0-5]\d)(?:[ -]|\r?\n)")
GREETING = re.compile(rb"220[ -][^\r\n]{0,500}?\b(?:E?SMTP|LMTP)\b", re.IGNORECASE)
GO_AHEAD = re.compile(rb"354[ -]")
LONGEST_GREETING = 512


def match(client: bytes, server: bytes) -> Match:
    """Judge by a greeting or a command that says so; by what others have as well only where the port agrees."""
    asked = match_client(client) if client else Match.NOT_YET
    told = match_server(server) if server else Match.NOT_YET
    if Match.NO in (asked, told):
        return Match.NO
    if asked is Match.MAYBE and client[:4].upper() == b"DATA" and GO_AHEAD.match(server):
        return Match.YES
    return max(asked, told)


def match_client(client: bytes) -> Match:
    """Judge the client's bytes alone."""
    if ASKING.match(client):
        return Match.YES
    if UNSURE.match(client):
        return Match.MAYBE
    begun = client[:LONGEST_WORD].upper()
    fits = any(verb.startswith(begun) or begun.startswith(verb) for verb in VERBS)
    return Match.NOT_YET if fits and b"\n" not in begun and len(begun) < LONGEST_WORD else Match.NO


def match_server(server: bytes) -> Match:
    """Judge the server's bytes alone."""
    if len(server) < 4:
        return Match.NOT_YET if not server.strip(b"0123456789") else Match.NO
    if not ASSIGNED.match(server):
        return Match.NO
    if GREETING.match(server):
        return Match.YES
    whole = b"\n" in server or len(server) > LONGEST_GREETING
    return Match.MAYBE if whole else Match.NOT_YET
