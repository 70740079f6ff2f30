"""Where history lies until it is learnt from, or until the next time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from detector.clients.matrix import Grid
from detector.history.kept import Kept, clear
from detector.history.spool import Spool
from detector.model import History, SeriesKey

HISTORY = "history"  # the folder of what is kept


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where history lies: `used` are the names of what is kept there."""

    folder: Path
    files: ExitStack
    used: set[str]

    def file(self) -> IO[bytes]:
        """One without a name, so that nothing of it is left whatever becomes of this process. Raises OSError."""
        return self.files.enter_context(TemporaryFile(dir=self.folder))

    def kept(self, signal: str, about: str, grid: Grid, most: int) -> Kept:
        """What is there of a query's history, as of `Kept`. Raises OSError."""
        kept = Kept(self.folder / HISTORY, signal, about, grid, most)
        self.files.callback(kept.close)
        self.used.add(kept.name)
        return kept

    def clear(self) -> None:
        """Remove what was kept of queries that are not asked any more. Raises OSError."""
        if (self.folder / HISTORY).is_dir():
            clear(self.folder / HISTORY, self.used)


@dataclass(frozen=True, slots=True)
class Counted:
    """One signal's history on disk, and that of how many events its shares are of."""

    values: Spool | Kept
    counts: Spool | Kept | None

    def histories(self) -> Iterator[History]:
        """All series, some at a time. Raises OSError."""
        for history in self.values.histories():
            yield self._with_counts(history)

    def of(self, keys: tuple[SeriesKey, ...]) -> History:
        """Some series, in this order. Raises OSError."""
        return self._with_counts(self.values.history(keys))

    def end(self) -> None:
        """Leave it, all being read. Raises OSError."""
        self.values.end()
        if self.counts is not None:
            self.counts.end()

    def _with_counts(self, history: History) -> History:
        return history if self.counts is None else replace(history, counts=self.counts.history(history.keys).values)


@dataclass(frozen=True, slots=True)
class Spooled:
    """One signal's history, and the newest of it at closer steps."""

    whole: Counted
    recent: Counted | None

    @property
    def is_empty(self) -> bool:
        """Whether there is no series."""
        return not len(self.whole.values)

    def histories(self) -> Iterator[History]:
        """All series, some at a time. Raises OSError."""
        for history in self.whole.histories():
            yield history if self.recent is None else replace(history, recent=self.recent.of(history.keys))

    def end(self) -> None:
        """Leave it, all being read. Raises OSError."""
        self.whole.end()
        if self.recent is not None:
            self.recent.end()
