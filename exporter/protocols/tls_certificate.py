"""When a certificate that a server shows in clear text, as before TLS 1.3, runs out (RFC 5280 4.1; DER)."""

import calendar

from exporter.protocols.remembered import remembered

SEQUENCE, INTEGER, UTC_TIME, GENERALIZED_TIME, VERSION = 0x30, 0x02, 0x17, 0x18, 0xA0
CACHED = 1024
LENGTH_BYTES = 3
PIVOT = 50  # a year of two digits from here on is of the last century


def first_certificate(message: bytes) -> bytes:
    """Return the server's own certificate out of a handshake message's body; empty if it holds none."""
    size = int.from_bytes(message[LENGTH_BYTES : 2 * LENGTH_BYTES], "big")
    return message[2 * LENGTH_BYTES : 2 * LENGTH_BYTES + size]


@remembered(CACHED)
def not_after(certificate: bytes) -> int:
    """Return until when a certificate is valid, in seconds since the epoch; 0 if it cannot be read."""
    _, at, _ = _value(certificate, 0)
    _, at, end = _value(certificate, at)  # what is signed
    kind, _, behind = _value(certificate, at)
    if kind == VERSION:
        at = behind
    for expected in (INTEGER, SEQUENCE, SEQUENCE):  # number, algorithm, issuer
        kind, _, at = _value(certificate, at)
        if kind != expected:
            return 0
    kind, at, end = _value(certificate, at)
    if kind != SEQUENCE or end > len(certificate):
        return 0
    _, _, at = _value(certificate, at)  # since when
    kind, at, end = _value(certificate, at)
    return _seconds(kind, certificate[at:end])


def _value(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of the value at a position, where its contents begin and end; 0 for the tag beyond the data."""
    if at + 2 > len(data):
        return 0, len(data), len(data)
    kind, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        digits = size & 0x7F
        size = int.from_bytes(data[at : at + digits], "big") if digits <= 4 else len(data)
        at += digits
    return kind, at, at + size


def _seconds(kind: int, text: bytes) -> int:
    """Return a time of either form, which in certificates is in UTC and to the second."""
    digits = text[:-1]
    if text[-1:] != b"Z" or not digits.isdigit():
        return 0
    if kind == UTC_TIME and len(digits) == 12:
        digits = (b"19" if int(digits[:2]) >= PIVOT else b"20") + digits
    if len(digits) != 14:
        return 0
    parts = (int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2)))
    try:
        return calendar.timegm((*parts, 0, 0, 0))
    except ValueError:  # no such month
        return 0
