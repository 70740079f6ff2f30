"""Keeps one signal's history on disk until it is learnt from, so that only a few series of it are in memory at once."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from detector.clients.matrix import Grid
from detector.model import History, Samples, Seconds, SeriesKey

STORED = np.dtype(np.float32)  # half the disk; what is learnt from it is kept no more exactly
MOST_SERIES = 1_000_000
ROWS_AT_ONCE = 256  # 16 MB of four weeks at five minutes


@dataclass(frozen=True, slots=True)
class _Part:
    """Where some columns lie in the file: the samples of each of `rows`, in rising order, one after another."""

    rows: npt.NDArray[np.int64]
    offset: int
    first: int
    columns: int


class Coarse:
    """Takes in what was asked at longer steps, each of which stands for the columns up to it."""

    def __init__(self, spool: "Spool", grid: Grid, step: Seconds) -> None:
        """`grid` is the spool's; `step` is at least the time from one of what is asked to the next."""
        self._spool = spool
        self._each = max(1, round(step / grid.step))
        columns = -(-grid.columns // self._each)
        self._surplus = columns * self._each - grid.columns
        self.grid = Grid(grid.end - (columns - 1) * self._each * grid.step, self._each * grid.step, columns)

    def add(self, first: int, rows: dict[SeriesKey, Samples]) -> int:
        """Like the spool's, `first` being a column of this grid. Raises OSError."""
        begin = first * self._each - self._surplus
        cut = max(0, -begin)
        return self._spool.add(
            max(0, begin), {key: np.repeat(values, self._each)[cut:] for key, values in rows.items()}
        )


class Spool:
    """Series that arrive in stretches of time, and leave whole, a few at a time."""

    def __init__(self, file: IO[bytes], grid: Grid, most: int = MOST_SERIES) -> None:
        """`file` is empty, to be written and read; `most` is how many series there may be, the first that come."""
        self._file = file
        self._grid = grid
        self._most = most
        self._rows: dict[SeriesKey, int] = {}
        self._parts: list[_Part] = []
        self._size = 0

    def __len__(self) -> int:
        """How many series there are."""
        return len(self._rows)

    def add(self, first: int, rows: dict[SeriesKey, Samples]) -> int:
        """Take in the columns from `first` on: each of these series, all of one length. Raises OSError.

        Returns:
            How many new ones there was no more room for.
        """
        taken = [key for key in rows if self._has_room_for(key)]
        if not taken:
            return len(rows)
        numbers = np.array([self._rows[key] for key in taken], dtype=np.int64)
        order = np.argsort(numbers)
        self._parts.append(_Part(numbers[order], self._size, first, len(rows[taken[0]])))
        for begin in range(0, len(order), ROWS_AT_ONCE):
            some = np.stack([rows[taken[row]] for row in order[begin : begin + ROWS_AT_ONCE]])
            self._size += self._file.write(some.astype(STORED, copy=False).tobytes())
        return len(rows) - len(taken)

    def _has_room_for(self, key: SeriesKey) -> bool:
        if len(self._rows) < self._most:
            self._rows.setdefault(key, len(self._rows))
        return key in self._rows

    def histories(self) -> Iterator[History]:
        """All series, by their keys' order, some at a time. Raises OSError."""
        keys = sorted(self._rows)
        for begin in range(0, len(keys), ROWS_AT_ONCE):
            some = tuple(keys[begin : begin + ROWS_AT_ONCE])
            yield self.history(some)

    def history(self, keys: tuple[SeriesKey, ...]) -> History:
        """Some series, in this order; of those that never came, no samples. Raises OSError."""
        rows = [row for row, key in enumerate(keys) if key in self._rows]
        values = np.full((len(keys), self._grid.columns), np.nan, STORED)
        if rows:
            values[rows] = self.read(tuple(keys[row] for row in rows))
        return History(keys, self._grid.start, self._grid.step, values)

    def end(self) -> None:
        """Give the disk's space back."""
        self._file.close()

    def read(self, keys: tuple[SeriesKey, ...]) -> npt.NDArray[np.float32]:
        """Some series, in this order; shape (keys, columns). Raises OSError; KeyError: one never came."""
        self._file.flush()
        numbers = np.array([self._rows[key] for key in keys], dtype=np.int64)
        values = np.full((len(keys), self._grid.columns), np.nan, STORED)
        for part in self._parts:
            places = np.searchsorted(part.rows, numbers)
            there = np.flatnonzero(part.rows[np.minimum(places, len(part.rows) - 1)] == numbers)
            if len(there):
                block, lowest = self._block(part, places[there])
                values[there, part.first : part.first + part.columns] = block[places[there] - lowest]
        return values

    def _block(self, part: _Part, places: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], int]:
        """The samples of all places from the lowest to the highest: neighbours in name are mostly neighbours here."""
        lowest, count = int(places.min()), int(places.max() - places.min()) + 1
        width = part.columns * STORED.itemsize
        data = os.pread(self._file.fileno(), count * width, part.offset + lowest * width)
        return np.frombuffer(data, STORED).reshape(count, part.columns), lowest
