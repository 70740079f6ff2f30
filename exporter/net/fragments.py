"""Joins the fragments of IP packets, within bounds; plain Python, since fragments are rare."""

from dataclasses import dataclass, field

from exporter.model import Nanoseconds
from exporter.net.frames import Frame
from exporter.net.layout import HALF

TIMEOUT: Nanoseconds = 30_000_000_000  # RFC 791's and Linux's default
MAX_PACKETS = 256
MAX_PIECES = 1024  # of one packet; 65,535 bytes in the smallest pieces of a sane network are fewer
MAX_BYTES = 1 << 20  # of all together
MAX_PACKET_BYTES = 65_535

Key = tuple[int, int, int, int, int, int]


@dataclass(slots=True)
class Partial:
    """A packet of which something is missing.

    Attributes:
        pieces: payload by its offset; the first copy of an offset is kept.
        total: its length, once the last fragment was seen.
    """

    first_at: Nanoseconds
    pieces: dict[int, bytes] = field(default_factory=dict)
    total: int | None = None

    def joined(self) -> bytes | None:
        """Return the payload once it is whole; where fragments overlap, the first bytes win."""
        if self.total is None:
            return None
        whole = bytearray()
        for offset, piece in sorted(self.pieces.items()):
            if offset > len(whole):
                return None
            whole += piece[len(whole) - offset :]
        return bytes(whole[: self.total]) if len(whole) >= self.total else None


class Fragments:
    """The packets in pieces; `dropped` counts the pieces that came to nothing."""

    def __init__(self) -> None:
        self.partial: dict[Key, Partial] = {}
        self.size_bytes = 0
        self.seen = self.joined = self.dropped = 0

    def add(self, frame: Frame, piece: bytes, at: Nanoseconds) -> bytes | None:
        """Take the fragment in `frame`; return the whole IP packet, under a plain header, once its last piece came."""
        self.seen += 1
        if len(piece) < frame.wire or frame.fragment_offset + len(piece) > MAX_PACKET_BYTES:
            self.dropped += 1
            return None
        self._expire(at)
        key = (
            frame.source_high,
            frame.source_low,
            frame.target_high,
            frame.target_low,
            frame.fragment,
            frame.protocol if frame.network == 0x800 else 0,
        )
        partial = self.partial.setdefault(key, Partial(at))
        if frame.fragment_offset not in partial.pieces:
            partial.pieces[frame.fragment_offset] = piece
            self.size_bytes += len(piece)
        if not frame.fragment_more:
            partial.total = frame.fragment_offset + len(piece)
        payload = partial.joined()
        if payload is None:
            self._bound(key, partial)
            return None
        self._forget(key)
        self.joined += 1
        return header(frame, len(payload)) + payload

    def _bound(self, key: Key, partial: Partial) -> None:
        if len(partial.pieces) > MAX_PIECES:
            self._drop(key)
        while len(self.partial) > MAX_PACKETS or self.size_bytes > MAX_BYTES:
            self._drop(next(iter(self.partial)))

    def _expire(self, now: Nanoseconds) -> None:
        while self.partial:
            oldest = next(iter(self.partial))
            if now - self.partial[oldest].first_at <= TIMEOUT:
                return
            self._drop(oldest)

    def _drop(self, key: Key) -> None:
        self.dropped += len(self.partial[key].pieces)
        self._forget(key)

    def _forget(self, key: Key) -> None:
        partial = self.partial.pop(key)
        self.size_bytes -= sum(map(len, partial.pieces.values()))


def header(frame: Frame, size: int) -> bytes:
    """Return an IP header without options or extensions for a payload of `size` bytes from and to the frame's sides."""
    if frame.network == 0x800:
        total = size + 20 if size + 20 <= MAX_PACKET_BYTES else 0
        addresses = (frame.source_low & HALF).to_bytes(4, "big") + (frame.target_low & HALF).to_bytes(4, "big")
        return b"\x45\0" + total.to_bytes(2, "big") + b"\0\0\0\0\x40" + bytes([frame.protocol, 0, 0]) + addresses
    words = (frame.source_high, frame.source_low, frame.target_high, frame.target_low)
    addresses = b"".join(word.to_bytes(8, "big") for word in words)
    return b"\x60\0\0\0" + size.to_bytes(2, "big") + bytes([frame.protocol, 64]) + addresses
