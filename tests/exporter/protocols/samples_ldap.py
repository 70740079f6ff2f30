"""Connections of LDAP."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample


def ber(tag: int, *parts: bytes) -> bytes:
    """Return a value of BER with a length of two bytes, as OpenLDAP writes it, where one does not do."""
    body = b"".join(parts)
    size = bytes((len(body),)) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes((tag,)) + size + body


def message(number: int, tag: int, *parts: bytes, controls: bytes = b"") -> bytes:
    """Return a message of LDAP."""
    return ber(0x30, ber(2, bytes((number,))), ber(tag, *parts), controls)


def result(number: int, tag: int, code: int = 0) -> bytes:
    """Return a result with a text of the server's."""
    return message(number, tag, ber(10, bytes((code,))), ber(4), ber(4, b"no " + SECRET))


def search(number: int, controls: bytes = b"") -> bytes:
    """Return a search for a secret."""
    base, scope, limits = ber(4, b"dc=example"), ber(10, b"\2") + ber(10, b"\0"), ber(2, b"\0") * 2
    wanted = ber(0xA3, ber(4, b"uid"), ber(4, SECRET))
    return message(number, 0x63, base, scope, limits, ber(1, b"\0"), wanted, ber(0x30), controls=controls)


def entry(number: int, size: int = 1) -> bytes:
    """Return an entry that a search found."""
    return message(number, 0x64, ber(4, b"uid=" + SECRET), ber(0x30, ber(4, SECRET * size)))


BIND = message(1, 0x60, ber(2, b"\3"), ber(4, b"cn=admin"), ber(0x80, SECRET))
START_TLS = message(1, 0x77, ber(0x80, b"1.3.6.1.4.1.1466.20037"))
PAGED = ber(0xA0, ber(0x30, ber(4, b"1.2.840.113556.1.4.319"), ber(4, ber(0x30, ber(2, b"\x64"), ber(4)))))
SAMPLES = (
    Sample(
        "bound and searched",
        (
            client(BIND),
            server(result(1, 0x61)),
            client(search(2) + search(3, PAGED)),
            server(entry(2) + entry(3, 40) + result(2, 0x65) + entry(3) + result(3, 0x65, 32)),
            client(message(4, 0x66, ber(4, SECRET), ber(0x30))),
            server(result(4, 0x67, 50)),
            client(message(5, 0x6E, ber(4, SECRET), ber(0x30, ber(4, b"a"), ber(4, SECRET)))),
            server(result(5, 0x6F, 6)),
            client(message(6, 0x50, b"\5")),
        ),
        ("bind", "search", "search", "modify", "compare", "abandon"),
        opening=2,
        opening_requests=1,
    ),
)
