"""A progress bar for long work, on terminals only."""

from typing import TextIO

WIDTH = 30


class Progress:
    """Shows progress on one line of a terminal; nothing where the output is no terminal."""

    def __init__(self, stream: TextIO, text: str) -> None:
        self._stream = stream if stream.isatty() else None
        self._text = text
        self._shown = -1

    def __call__(self, share: float) -> None:
        """Show how much is done, from 0 to 1."""
        percent = int(100 * min(max(share, 0.0), 1.0))
        if self._stream is None or percent == self._shown:
            return
        self._shown = percent
        bar = "#" * (percent * WIDTH // 100)
        self._stream.write(f"\r{self._text} [{bar:{WIDTH}s}] {percent:3d} %" + ("\n" if percent == 100 else ""))
        self._stream.flush()
