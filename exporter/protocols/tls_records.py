"""Records of TLS and SSL 3.0, and the version-2 hello that old clients begin with."""

from exporter.protocols.base import Match, ParseError

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
HEAD_BYTES = 5
HELLO_HEAD_BYTES = HEAD_BYTES + 6  # as far as the message's version
# RFC 8446 5.2 allows 2^14 + 256, RFC 5246 6.2.3 2^14 + 2048.
MAX_RECORD_BYTES = (1 << 14) + 2048


def record_size(buffer: bytes | bytearray, start: int) -> int:
    """Return the length of the record at `start`, head included; 0 if too little is there, -1 if none can begin."""
    head = buffer[start : start + HEAD_BYTES]
    if not CHANGE_CIPHER_SPEC <= head[0] <= DATA or head[1:2] not in (b"", b"\3") or (len(head) > 2 and head[2] > 4):
        return -1
    if len(head) < HEAD_BYTES:
        return 0
    size = head[3] << 8 | head[4]
    return HEAD_BYTES + size if 0 < size <= MAX_RECORD_BYTES or (size == 0 and head[0] == DATA) else -1


def old_hello_size(buffer: bytes | bytearray, start: int) -> int:
    """Return the length of a version-2 hello that offers SSL 3.0 or later; 0 if too little is there, -1 if none."""
    head = buffer[start : start + HEAD_BYTES]
    if head[0] & 0x80 == 0 or head[2:3] not in (b"", b"\1") or head[3:4] not in (b"", b"\3"):
        return -1
    if len(head) < HEAD_BYTES:
        return 0
    size = (head[0] & 0x7F) << 8 | head[1]
    return 2 + size if 9 < size < 1024 and head[4] <= 4 else -1


def is_old_hello(data: bytes) -> bool:
    """Return whether bytes begin with a version-2 hello, its cipher suites being of three bytes each."""
    if len(data) < 11 or old_hello_size(data, 0) <= 0:
        return False
    ciphers, session, challenge = (data[at] << 8 | data[at + 1] for at in (5, 7, 9))
    return (
        ciphers % 3 == 0 and 16 <= challenge <= 32 and 9 + ciphers + session + challenge == old_hello_size(data, 0) - 2
    )


def measure(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure a record; handshakes, alerts and version-2 hellos are kept whole, of all others only the head."""
    size = record_size(buffer, start)
    if size < 0:
        size = old_hello_size(buffer, start)
        if size < 0:
            raise ParseError("no TLS record begins here")
        return size, size
    kind = buffer[start]
    kept = size if kind in (ALERT, HANDSHAKE) else min(size, HEAD_BYTES)
    return kept, size


def measure_data(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure a record of which only so much matters as shows a hello."""
    size = record_size(buffer, start)
    if size < 0:
        raise ParseError("no TLS record begins here")
    kept = min(size, HELLO_HEAD_BYTES if buffer[start] == HANDSHAKE else HEAD_BYTES)
    return kept, size


def begins(data: bytes) -> bool:
    """Return whether a segment begins with a record."""
    return len(data) >= HEAD_BYTES and record_size(data, 0) > 0


def begins_hello(data: bytes, message: int) -> Match:
    """Judge whether bytes begin with a handshake record that holds a ClientHello (1) or a ServerHello (2)."""
    size = record_size(data, 0) if data else 0
    if size < 0 or (data and data[0] != HANDSHAKE):
        return Match.NO
    # Its length as a handshake message, then its version, which is 3.x in every TLS.
    hello = data[HEAD_BYTES:HELLO_HEAD_BYTES]
    if (hello[0:1] not in (b"", bytes((message,)))) or hello[1:2] not in (b"", b"\0", b"\1"):
        return Match.NO
    if len(hello) < 6:
        return Match.NOT_YET
    return Match.YES if hello[4] == 3 or hello[4:6] in (b"\x7f\x17", b"\xfb\x1a") else Match.NO
