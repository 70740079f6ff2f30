"""A bar for long work, where somebody watches."""

from typing import TextIO

WIDTH = 30


class Progress:
    """Shows a share on one line of a terminal; elsewhere nothing, for a log has no use of it."""

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
