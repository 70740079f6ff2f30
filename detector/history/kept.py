"""Keeps one query's history on disk from fit to fit, so that only what is new of it is asked for.

A file holds a row for each series, each a ring of columns: a time has its place in it for good, and what is new takes
that of what is too old. An index beside it says what of it is to be believed: it forgets what will be overwritten
before that is, and knows what is new once that is on disk. After a crash it is thus right about what there is. Of
history that is lost, damaged or of another form nothing is believed, and all is asked for again; and so it is every
week, for what Prometheus did not have when it was asked may have come later.
"""

import hashlib
import json
import logging
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detector.clients.matrix import Grid
from detector.clock import floor_to
from detector.history.spool import ROWS_AT_ONCE
from detector.model import History, Samples, Seconds, SeriesKey, of_rows

log = logging.getLogger(__name__)

VERSION = 2
NUMBER = np.dtype("<f4")
# Bits that a file has from the beginning, all zero, stand for no sample.
NONE_BITS = np.uint32(0x7FC00000)
AGAIN_SECONDS = 3600.0  # of the newest: what was asked for at once may not have been there yet
ANEW_SECONDS = 7 * 86_400.0
SAMPLES, INDEX = ".samples", ".json"
Bits = npt.NDArray[np.uint32]


class KeptError(ValueError):
    """An index is damaged, or of something else."""


@dataclass(frozen=True, slots=True)
class _Index:
    """What the file holds.

    Attributes:
        begin, end: the first and the last column's time.
        filled: when all of it was last asked for.
        names: of the series in each row but for its signal, None where there is none any more.
    """

    begin: Seconds
    end: Seconds
    filled: Seconds
    names: list[list[str] | None]


class Kept:
    """Series that arrive in stretches of time, of which those of earlier fits are there already."""

    def __init__(self, folder: Path, signal: str, about: str, grid: Grid, most: int) -> None:
        """Open what is there, or begin anew.

        Args:
            folder: made when needed.
            signal: of the series.
            about: what determines their values but for the time; that of something else is another file's.
            grid: the columns that are needed.
            most: how many series there may be.

        Raises:
            OSError: the folder cannot be used.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._stem = _stem(folder, signal, f"{about} {grid.step:g} {grid.columns}")
        self._signal, self._grid, self._most = signal, grid, most
        index = self._index()
        self._filled = grid.end if index is None else index.filled
        names = [] if index is None else index.names
        self._rows = {_key(signal, name): row for row, name in enumerate(names) if name is not None}
        self._free = [row for row, name in enumerate(names) if name is None]
        self._used = len(names)
        self._seen: set[SeriesKey] = set()
        self.known = 0 if index is None else self._columns_known(index)
        if index is None:
            self._path(INDEX).unlink(missing_ok=True)
            self._file = self._opened(os.O_CREAT | os.O_TRUNC)
        else:
            self._write_index(index.end)  # what is too old is forgotten before it is overwritten
            self._file = self._opened(0)
            self._make_room()

    def __len__(self) -> int:
        """How many series there are."""
        return len(self._rows)

    def add(self, first: int, rows: Mapping[SeriesKey, Samples]) -> int:
        """Take in the columns from `first` on: each of these series, all of one length. Raises OSError.

        Returns:
            How many new ones there was no more room for.
        """
        taken = [key for key in rows if self._has_room_for(key)]
        for key in taken:
            bits = np.ascontiguousarray(rows[key], NUMBER).view(np.uint32) ^ NONE_BITS
            self._put(self._rows[key], first, bits)
        return len(rows) - len(taken)

    def commit(self) -> None:
        """From now on all of the grid is believed to be there. Raises OSError."""
        os.ftruncate(self._file, self._used * self._width)
        os.fsync(self._file)
        self._write_index(self._grid.end)

    def histories(self) -> Iterator[History]:
        """All series that have a sample, by their keys' order, some at a time. Raises OSError."""
        keys = sorted(self._rows)
        for begin in range(0, len(keys), ROWS_AT_ONCE):
            some = tuple(keys[begin : begin + ROWS_AT_ONCE])
            history = self.history(some)
            there = np.flatnonzero(~np.isnan(history.values).all(axis=1))
            if len(there):
                yield of_rows(history, there)

    def history(self, keys: tuple[SeriesKey, ...]) -> History:
        """Some series, in this order; of those that never came, no samples. Raises OSError."""
        values = np.full((len(keys), self._grid.columns), np.nan, NUMBER)
        for values_of_row, key in zip(values, keys, strict=True):
            if key in self._rows:
                self._get(self._rows[key], values_of_row)
                if not np.isnan(values_of_row).all():
                    self._seen.add(key)
        return History(keys, self._grid.start, self._grid.step, values)

    def end(self) -> None:
        """Close it, all being read: rows of series of which no sample is left are given to others. Raises OSError."""
        for key in self._rows.keys() - self._seen:
            del self._rows[key]
        self._write_index(self._grid.end)
        self.close()

    def close(self) -> None:
        """Leave it as it is; also what is closed already."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _opened(self, flags: int) -> int:
        return os.open(self._path(SAMPLES), os.O_RDWR | flags, 0o600)

    def _make_room(self) -> None:
        """Take what is too old out of the columns to come."""
        nothing = np.zeros(self._grid.columns - self.known, np.uint32)
        for row in self._rows.values():
            self._put(row, self.known, nothing)

    @property
    def name(self) -> str:
        """How its files are called, but for what they end with."""
        return self._stem.name

    @property
    def _width(self) -> int:
        return self._grid.columns * NUMBER.itemsize

    def _columns_known(self, index: _Index) -> int:
        known = round((index.end - self._grid.start) / self._grid.step) + 1
        return max(0, min(known, self._grid.columns) - max(1, round(AGAIN_SECONDS / self._grid.step)))

    def _has_room_for(self, key: SeriesKey) -> bool:
        if key not in self._rows:
            if len(self._rows) >= self._most:
                return False
            if self._free:
                self._rows[key] = row = self._free.pop()
                self._put(row, 0, np.zeros(self._grid.columns, np.uint32))
            else:
                self._rows[key] = self._used
                self._used += 1
        return True

    def _places(self, first: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Where so many columns from one on lie in a row: from which of them on how many are where, in bytes."""
        columns = self._grid.columns
        place = (round(self._grid.start / self._grid.step) + first) % columns
        before_the_end = min(count, columns - place)
        yield 0, before_the_end, place * NUMBER.itemsize
        if count > before_the_end:
            yield before_the_end, count - before_the_end, 0

    def _put(self, row: int, first: int, bits: Bits) -> None:
        for begin, count, offset in self._places(first, len(bits)):
            data = bits[begin : begin + count].astype("<u4").tobytes()
            if os.pwrite(self._file, data, row * self._width + offset) != len(data):
                raise OSError(f"{self._path(SAMPLES)}: not all could be written")

    def _get(self, row: int, into: Samples) -> None:
        data = os.pread(self._file, self._width, row * self._width)
        if len(data) != self._width:
            self._path(INDEX).unlink(missing_ok=True)  # so that all is asked for again
            raise OSError(f"{self._path(SAMPLES)}: ends before row {row}")
        values = (np.frombuffer(data, "<u4") ^ NONE_BITS).view(NUMBER)
        for begin, count, offset in self._places(0, self._grid.columns):
            place = offset // NUMBER.itemsize
            into[begin : begin + count] = values[place : place + count]

    def _path(self, suffix: str) -> Path:
        return self._stem.with_name(self._stem.name + suffix)

    def _index(self) -> _Index | None:
        """What is believed of an earlier fit is; None where nothing is."""
        try:
            index = _read(self._path(INDEX).read_bytes())
            size = self._path(SAMPLES).stat().st_size
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("history not used", extra={"file": str(self._path(INDEX)), "reason": str(error)})
            return None
        whole = size >= len(index.names) * self._width
        if not whole:
            log.warning("history not used", extra={"file": str(self._path(SAMPLES)), "reason": "it is cut off"})
        return index if whole and self._goes_on(index) else None

    def _goes_on(self, index: _Index) -> bool:
        """Whether what is new follows it: after a long pause, a clock set back, or a week, it does not."""
        shift = zlib.crc32(self._stem.name.encode()) % int(ANEW_SECONDS)  # not all of them in one fit
        same_week = floor_to(index.filled + shift, ANEW_SECONDS) == floor_to(self._grid.end + shift, ANEW_SECONDS)
        follows = index.begin <= self._grid.start <= index.end <= self._grid.end
        return same_week and follows

    def _write_index(self, end: Seconds) -> None:
        names: list[list[str] | None] = [None] * self._used
        for key, row in self._rows.items():
            names[row] = [key.service_name, key.server] if key.server else [key.service_name]
        times = {"begin": self._grid.start, "end": end, "filled": self._filled}
        fresh = self._path(INDEX + ".new")
        with fresh.open("wb") as file:
            file.write(json.dumps({"version": VERSION, **times, "names": names}).encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path(INDEX))


def _stem(folder: Path, signal: str, about: str) -> Path:
    """Return how the files of one query's history are called, but for what they end with."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", signal)[:60]
    return folder / f"{plain}-{hashlib.sha256(f'{signal} {about}'.encode()).hexdigest()[:16]}"


def _key(signal: str, name: list[str]) -> SeriesKey:
    return SeriesKey(name[0], signal, *name[1:])


def _is_name(name: object) -> bool:
    return isinstance(name, list) and len(name) in (1, 2) and all(isinstance(part, str) for part in name)


def clear(folder: Path, used: set[str]) -> None:
    """Remove what no query of now has written, by the names of what they use. Raises OSError."""
    for path in folder.iterdir():
        if path.name.split(".")[0] not in used:
            path.unlink()


def _read(data: bytes) -> _Index:
    document = json.loads(data)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise KeptError(f"is not of version {VERSION}")
    begin, end, filled = (float(document[name]) for name in ("begin", "end", "filled"))
    names = document["names"]
    if not isinstance(names, list) or not all(name is None or _is_name(name) for name in names):
        raise KeptError("has names that are no text")
    if len({tuple(name) for name in names if name is not None}) != sum(name is not None for name in names):
        raise KeptError("has a series twice")
    return _Index(begin, end, filled, names)
