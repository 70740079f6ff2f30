"""The weekly profiles of many series, on disk where they are many: an evaluation needs but a few slots of them.

Of 100,000 series they are 200 MB, most of all that is learnt; of what has no season nothing is kept.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

import numpy as np
import numpy.typing as npt

from detector.baselines.grid import SLOTS, Ints
from detector.baselines.packed import Shorts

NUMBER = np.dtype("<i2")
ROW_BYTES = SLOTS * NUMBER.itemsize
FLAT = -1  # the place of a series whose profile is zero all week
SLOTS_AT_ONCE = 16
ROWS_AT_ONCE = 4096
Places = npt.NDArray[np.int32]


class Descriptor:
    """A file that is open for as long as anybody knows of this, however its first owner left it."""

    def __init__(self, file: IO[bytes]) -> None:
        """`file` is no more needed then. Raises OSError."""
        self._number = os.dup(file.fileno())

    def __del__(self) -> None:
        """Give the file up, and with it the room on disk of one without a name."""
        os.close(self._number)

    def read(self, size: int, offset: int) -> bytes:
        """So many bytes from there on. Raises OSError: there are fewer."""
        data = os.pread(self._number, size, offset)
        if len(data) != size:
            raise OSError(f"the file of the profiles ends before byte {offset + size}")
        return data

    def write(self, data: bytes, offset: int) -> None:
        """Put all of it there. Raises OSError."""
        while data:
            written = os.pwrite(self._number, data, offset)
            data, offset = data[written:], offset + written


class Table(Protocol):
    """Some profiles, a row each."""

    @property
    def rows(self) -> int:
        """How many."""
        ...

    def at(self, slots: Ints) -> Shorts:
        """Some slots of all rows; shape (rows, slots). Raises OSError."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """Profiles in memory; shape (rows, SLOTS)."""

    values: Shorts

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.values)

    def at(self, slots: Ints) -> Shorts:
        """Some slots of all rows."""
        return self.values[:, slots]


@dataclass(frozen=True, slots=True)
class Stored:
    """Profiles in a file, one slot of all rows after the other; `offset` is where the first begins, in bytes."""

    file: Descriptor
    offset: int
    rows: int

    def at(self, slots: Ints) -> Shorts:
        """Some slots of all rows. Raises OSError: the file is shorter than it was."""
        different, places = np.unique(slots, return_inverse=True)
        columns = np.empty((len(different), self.rows), np.int16)
        size = self.rows * NUMBER.itemsize
        for column, slot in zip(columns, different.tolist(), strict=True):
            column[:] = np.frombuffer(self.file.read(size, self.offset + slot * size), NUMBER)
        return columns[places].T


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profile of each series, see `packed.Packed`.

    Attributes:
        tables: that hold them.
        places: the row of each series, counted over all tables; FLAT: none, it is zero; shape (series,).
    """

    tables: tuple[Table, ...]
    places: Places

    def __len__(self) -> int:
        """How many series."""
        return len(self.places)

    def at(self, slots: Ints) -> Shorts:
        """Some slots of all series; shape (series, slots). Raises OSError."""
        result = np.zeros((len(self.places), len(slots)), np.int16)
        for table, first in self._numbered():
            mine = np.flatnonzero((self.places >= first) & (self.places < first + table.rows))
            result[mine] = table.at(slots)[self.places[mine] - first]
        return result

    def slots(self) -> Iterator[Shorts]:
        """All slots of all series, some at a time; each of shape (series, slots). Raises OSError."""
        for begin in range(0, SLOTS, SLOTS_AT_ONCE):
            yield self.at(np.arange(begin, min(begin + SLOTS_AT_ONCE, SLOTS)))

    def take(self, rows: npt.NDArray[np.int64] | slice) -> "Profiles":
        """Some series, in that order."""
        return _needed(Profiles(self.tables, self.places[rows]))

    def of_table(self, table: Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Which series have their profile in a table, and in which of its rows."""
        first = next(first for each, first in self._numbered() if each is table)
        mine = np.flatnonzero((self.places >= first) & (self.places < first + table.rows))
        return mine, (self.places[mine] - first).astype(np.int64)

    def _numbered(self) -> Iterator[tuple[Table, int]]:
        first = 0
        for table in self.tables:
            yield table, first
            first += table.rows


def packed(shapes: Shorts) -> Profiles:
    """Profiles in memory, of those series that have one; `shapes` has shape (series, SLOTS)."""
    seasonal = shapes.any(axis=1)
    places = np.where(seasonal, np.cumsum(seasonal) - 1, FLAT).astype(np.int32)
    return Profiles((Held(shapes[seasonal]),) if seasonal.any() else (), places)


def join(parts: Sequence[Profiles]) -> Profiles:
    """The series of several, one after another. What is in files stays there, but of all files only the largest does.

    Raises OSError.
    """
    stored = [table for part in parts for table in part.tables if isinstance(table, Stored)]
    kept = max(stored, key=lambda table: table.rows, default=None)
    places: list[Places] = []
    held: list[Shorts] = []
    next_place = 0 if kept is None else kept.rows
    for part in parts:
        mine = np.full(len(part), FLAT, np.int32)
        for table in part.tables:
            series, rows = part.of_table(table)
            if table is kept:
                mine[series] = rows
                continue
            held.append(_whole(table, rows))
            mine[series] = next_place + np.arange(len(series))
            next_place += len(series)
        places.append(mine)
    tables: tuple[Table, ...] = () if kept is None else (kept,)
    if held:
        tables = (*tables, Held(np.concatenate(held)))
    return _needed(Profiles(tables, np.concatenate(places)))


def _whole(table: Table, rows: npt.NDArray[np.int64]) -> Shorts:
    if isinstance(table, Held):
        return table.values[rows]
    result = np.empty((len(rows), SLOTS), np.int16)
    for begin in range(0, SLOTS, SLOTS_AT_ONCE):
        slots = np.arange(begin, min(begin + SLOTS_AT_ONCE, SLOTS))
        result[:, slots] = table.at(slots)[rows]
    return result


def _needed(profiles: Profiles) -> Profiles:
    """The same without tables of which nothing is used, and without most of what is not used of those in memory."""
    tables: list[Table] = []
    places = np.full(len(profiles), FLAT, np.int32)
    first = 0
    for table in profiles.tables:
        series, rows = profiles.of_table(table)
        if not len(series):
            continue
        kept: Table = table
        if isinstance(table, Held) and 2 * len(series) < table.rows:
            kept, rows = Held(table.values[rows]), np.arange(len(rows))
        places[series] = first + rows
        tables.append(kept)
        first += kept.rows
    return Profiles(tuple(tables), places)


class Gathering:
    """Profiles that come a few at a time, and are many in the end: they wait on disk, and stay there."""

    def __init__(self, waiting: Descriptor, lasting: Descriptor) -> None:
        """Two files that are empty, to be written and read; the second is that of the outcome."""
        self._waiting = waiting
        self._lasting = lasting
        self._rows = 0

    def add(self, profiles: Profiles) -> Places:
        """Take in profiles that are in memory, and return where they will be. Raises OSError."""
        places = profiles.places.copy()
        for table in profiles.tables:
            series, rows = profiles.of_table(table)
            self._waiting.write(_whole(table, rows).astype(NUMBER).tobytes(), self._rows * ROW_BYTES)
            places[series] = self._rows + np.arange(len(series))
            self._rows += len(series)
        return places

    def end(self, places: Places) -> Profiles:
        """All of them, in the order of what was returned for each. Raises OSError."""
        for begin in range(0, self._rows, ROWS_AT_ONCE):
            count = min(ROWS_AT_ONCE, self._rows - begin)
            data = self._waiting.read(count * ROW_BYTES, begin * ROW_BYTES)
            for slot, column in enumerate(np.frombuffer(data, NUMBER).reshape(count, SLOTS).T):
                self._lasting.write(column.tobytes(), (slot * self._rows + begin) * NUMBER.itemsize)
        return Profiles((Stored(self._lasting, 0, self._rows),) if self._rows else (), places)
