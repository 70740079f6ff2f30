"""A progress bar for long work, on terminals only."""

from typing import Protocol, TextIO

WIDTH = 30


class Follower(Protocol):
    """Whoever is told of progress."""

    def __call__(self, share: float, doing: str = "") -> None:
        """Take down how much is done, from 0 to 1, and what is under way beside that."""
        ...

    def clear(self) -> None:
        """Make room for other output."""
        ...


class Progress:
    """Shows progress on one line of a terminal; nothing where the output is no terminal."""

    def __init__(self, stream: TextIO, text: str) -> None:
        self._stream = stream if stream.isatty() else None
        self._text = text
        self._shown = ""

    def __call__(self, share: float, doing: str = "") -> None:
        """Show how much is done, from 0 to 1, and what is under way beside that."""
        if self._stream is None:
            return
        percent = int(100 * min(max(share, 0.0), 1.0))
        bar = "#" * (percent * WIDTH // 100)
        line = f"{self._text} [{bar:{WIDTH}s}] {percent:3d} %" + (f", {doing}" if doing else "")
        if line == self._shown:
            return
        # What a longer line before it leaves is written over.
        self._stream.write(f"\r{line}" + " " * max(0, len(self._shown) - len(line)))
        self._stream.flush()
        self._shown = line

    def clear(self) -> None:
        """Leave the line to others; the bar comes again when there is more to show."""
        if self._stream is not None and self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
            self._stream.flush()
        self._shown = ""
