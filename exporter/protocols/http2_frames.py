"""Frames of HTTP/2 (RFC 9113 4 and 6)."""

from exporter.protocols.base import ParseError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x4, 0x8, 0x20
ACK = 0x1
# Frame types of extensions: ALTSVC, ORIGIN, PRIORITY_UPDATE, what Google's servers grease with (0x?b).
EXTENSIONS = frozenset({0x0A, 0x0C, 0x10, *range(0x0B, 0x100, 0x1F)})
OF_CONNECTION = frozenset({SETTINGS, PING, GOAWAY})
OF_STREAM = frozenset({DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION})
FIXED_BYTES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
KEPT_WHOLE = frozenset({HEADERS, PUSH_PROMISE, CONTINUATION, RST_STREAM})
# SETTINGS_MAX_FRAME_SIZE may allow 16 MB; header frames are kept, so they must not be that long.
MAX_KEPT_BYTES = 256 << 10
# Bodies that are longer come in frames of 16 KB, which is all that a receiver allows as a rule.
MAX_DATA_BYTES = 16 << 10


def frame_size(buffer: bytes | bytearray, start: int) -> int:
    """Return the length of the frame at `start`, head included; 0 if too little is there, -1 if none can begin."""
    if len(buffer) - start < HEAD_BYTES:
        return 0
    kind = buffer[start + 3]
    stream = int.from_bytes(buffer[start + 5 : start + 9], "big")
    size = int.from_bytes(buffer[start : start + 3], "big")
    if stream >> 31 or (kind > CONTINUATION and kind not in EXTENSIONS):
        return -1
    if (kind in OF_CONNECTION and stream) or (kind in OF_STREAM and not stream):
        return -1
    if FIXED_BYTES.get(kind, size) != size or (kind == SETTINGS and size % 6):
        return -1
    return HEAD_BYTES + size


def measure(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure a frame, or the client's preface; only frames that bear headers or resets are kept beyond their head."""
    if buffer[start] == PREFACE[0]:
        seen = buffer[start : start + len(PREFACE)]
        if PREFACE.startswith(seen):
            whole = len(PREFACE) if len(seen) == len(PREFACE) else 0
            return whole, whole
    size = frame_size(buffer, start)
    if size < 0:
        raise ParseError("no HTTP/2 frame begins here")
    if size == 0:
        return 0, 0
    return (min(size, MAX_KEPT_BYTES) if buffer[start + 3] in KEPT_WHOLE else HEAD_BYTES), size


def measure_asked(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure as `measure` does, of the client; data that may be all of a small body are kept as well."""
    kept, size = measure(buffer, start)
    if kept == HEAD_BYTES and size < MAX_DATA_BYTES and buffer[start + 3] == DATA:
        return size, size
    return kept, size


def begins(data: bytes) -> bool:
    """Return whether a segment begins with a frame, and goes on with one if that is over."""
    size = frame_size(data, 0)
    if size <= 0 or size > MAX_KEPT_BYTES:
        return False
    return size >= len(data) or frame_size(data, size) >= 0


def data_of(frame: bytes) -> bytes:
    """Return the data that a frame bears, without padding."""
    if not frame[4] & PADDED:
        return frame[HEAD_BYTES:]
    padding = frame[HEAD_BYTES] if len(frame) > HEAD_BYTES else 0
    return frame[HEAD_BYTES + 1 : max(HEAD_BYTES + 1, len(frame) - padding)]


def block_of(frame: bytes) -> bytes:
    """Return the part of a header block that a frame bears, without padding, priority and promised stream."""
    kind, flags = frame[3], frame[4]
    begin, end = HEAD_BYTES, len(frame)
    if flags & PADDED and kind != CONTINUATION:
        end -= frame[begin] if begin < end else 0
        begin += 1
    if kind == HEADERS and flags & PRIORITISED:
        begin += 5
    elif kind == PUSH_PROMISE:
        begin += 4
    return frame[begin:end]
