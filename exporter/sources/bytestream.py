"""Reads a file front to back, decompressing it where it is gzipped; knows the offset for error messages."""

import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO

from exporter.sources.errors import SourceError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP_MAGIC = b"\x1f\x8b"
BUFFER_BYTES = 1 << 16


class Rejoined(io.RawIOBase):
    """A stream with the bytes put back that were read to see what it is; it need not be seekable."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self.start = start
        self.stream = stream

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill `buffer` as far as bytes are at hand; return how many."""
        view = memoryview(buffer).cast("B")
        if not self.start and isinstance(self.stream, io.BufferedIOBase):
            return self.stream.readinto(view)
        piece = self.start[: len(view)] if self.start else self.stream.read(len(view))
        self.start = self.start[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


class ByteStream:
    """The decompressed bytes of a stream.

    Attributes:
        offset: how many were read.
    """

    def __init__(self, stream: BinaryIO) -> None:
        start = stream.read(len(GZIP_MAGIC))
        rejoined = io.BufferedReader(Rejoined(start, stream), BUFFER_BYTES)
        self._plain = gzip.GzipFile(fileobj=rejoined, mode="rb") if start == GZIP_MAGIC else rejoined
        self._error: Exception | None = None
        self.offset = 0

    def some(self, size: int) -> bytes:
        """Return the next bytes, at most `size`, fewer only at the end.

        Raises:
            SourceError: they cannot be read or decompressed; raised once all before it was returned.
        """
        pieces: list[bytes] = []
        wanted = size
        while wanted:
            piece = self._piece(wanted)
            if not piece:
                break
            pieces.append(piece)
            wanted -= len(piece)
        if not pieces and self._error is not None:
            raise SourceError(f"unreadable at offset {self.offset}: {self._error}") from self._error
        self.offset += size - wanted
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        """Return some bytes; an error is kept until those before it were taken."""
        try:
            return self._plain.read1(size) if self._error is None else b""
        except (OSError, EOFError, zlib.error) as error:
            self._error = error
            return b""

    def into(self, buffer: memoryview) -> int:
        """Fill `buffer` with the next bytes; return how many, fewer than it holds only at the end.

        Raises:
            SourceError: as `some`.
        """
        filled = 0
        while filled < len(buffer):
            try:
                count = (
                    self._plain.readinto1(buffer[filled:]) if self._error is None else 0
                )  # keeps what came before an error
            except (OSError, EOFError, zlib.error) as error:
                self._error = error
                count = 0
            if not count:
                break
            filled += count
        if not filled and self._error is not None:
            raise SourceError(f"unreadable at offset {self.offset}: {self._error}") from self._error
        self.offset += filled
        return filled

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            SourceError: as `some`, or fewer are left.
        """
        start = self.offset
        data = self.some(size)
        if len(data) < size:
            raise self.truncated(start)
        return data

    def truncated(self, offset: int) -> SourceError:
        """Return the error that says that what begins at `offset` does not end."""
        return SourceError(f"truncated: the file ends at offset {self.offset} within the record at offset {offset}")
