"""What the two hellos of a TLS handshake say in clear text (RFC 8446 4.1, 4.2; RFC 6066; RFC 7301)."""

from collections.abc import Iterator
from dataclasses import dataclass

SERVER_NAME, ALPN, SUPPORTED_VERSIONS = 0, 16, 43
VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
# The random of a ServerHello that only asks for another ClientHello.
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
RANDOM = slice(2, 34)  # behind the version
NAME_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-._*")
MAX_NAME_BYTES = 253
# Servers may name application protocols at will; these are IANA's and a few more.
KNOWN_APPLICATIONS = (
    "http/0.9 http/1.0 http/1.1 spdy/1 spdy/2 spdy/3 spdy/3.1 h2 h2c h3 stun.turn webrtc ftp imap pop3 smtp "
    "managesieve coap xmpp-client xmpp-server acme-tls/1 mqtt dot ntske/1 sunrpc irc nntp nnsp doq sip/2 tds/8.0 dicom "
    "postgresql radius/1.0 radius/1.1 grpc-exp h2-fb"
)
APPLICATIONS = {name.encode(): name for name in KNOWN_APPLICATIONS.split()}
OTHER = "other"


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chose; `version` 0 where it only asks for another ClientHello."""

    version: int
    alpn: str


def version_name(version: int) -> str:
    """Return a version's name, or its number in hexadecimal."""
    return VERSIONS.get(version) or f"{version:#06x}"


def server_name(body: bytes) -> str:
    """Return whom a ClientHello asks for, in lower case; empty if it does not say or the name could be none."""
    at = 34 + 1 + _number(body, 34, 1)  # random, session
    at += 2 + _number(body, at, 2)  # cipher suites
    at += 1 + _number(body, at, 1)  # compression methods
    for kind, value in _extensions(body, at):
        if kind == SERVER_NAME:
            name = value[5 : 5 + _number(value, 3, 2)].lower()
            known = value[2:3] == b"\0" and 0 < len(name) <= MAX_NAME_BYTES and NAME_CHARACTERS.issuperset(name)
            return name.decode("ascii") if known else ""
    return ""


def server_hello(body: bytes) -> ServerHello:
    """Return what a ServerHello chooses."""
    if body[RANDOM] == RETRY:
        return ServerHello(0, "")
    version, alpn = _number(body, 0, 2), ""
    at = 34 + 1 + _number(body, 34, 1) + 3  # random, session, cipher suite, compression method
    for kind, value in _extensions(body, at):
        if kind == SUPPORTED_VERSIONS:
            version = _number(value, 0, 2)
        elif kind == ALPN:
            alpn = APPLICATIONS.get(value[3 : 3 + _number(value, 2, 1)], OTHER)
    return ServerHello(version, alpn)


def _extensions(body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    end = min(at + 2 + _number(body, at, 2), len(body))
    at += 2
    while at + 4 <= end:
        size = _number(body, at + 2, 2)
        yield _number(body, at, 2), body[at + 4 : min(at + 4 + size, end)]
        at += 4 + size


def _number(data: bytes, at: int, size: int) -> int:
    """Return the number of so many bytes at a position, 0 where the data is over."""
    return int.from_bytes(data[at : at + size], "big") if at + size <= len(data) else 0
