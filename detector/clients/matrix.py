"""Series on a time grid, and how they are read from a Prometheus answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from detector.model import Samples, Seconds

# A sample of the API: its time, and its value as text.
Sample = tuple[float, float]
OFF_GRID = 0.01  # of a step; a server may round


class MatrixError(ValueError):
    """An answer's series are not of the API's form, or not on the grid that was asked for."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Equally spaced times: `start`, `start + step`, ... in seconds."""

    start: Seconds
    step: Seconds
    columns: int

    @property
    def end(self) -> Seconds:
        """The last time."""
        return self.start + (self.columns - 1) * self.step

    def newest(self, span: Seconds) -> "Grid":
        """Its end, no longer than a span and no shorter than one column."""
        columns = max(1, int(min(self.columns, span // self.step)))
        return Grid(self.end - (columns - 1) * self.step, self.step, columns)


@dataclass(frozen=True, slots=True)
class Matrix:
    """A query's result on a grid.

    Attributes:
        labels: of each row; no two are equal.
        grid: of the columns.
        values: shape (rows, columns); NaN where there is no sample, infinite where it is no finite number.
    """

    labels: tuple[Mapping[str, str], ...]
    grid: Grid
    values: Samples


def joined(parts: Sequence[Matrix], grid: Grid) -> Matrix:
    """Put answers on stretches of a grid that follow one another together."""
    rows: dict[frozenset[tuple[str, str]], tuple[Mapping[str, str], Samples]] = {}
    column = 0
    for part in parts:
        for labels, values in zip(part.labels, part.values, strict=True):
            new = (labels, np.full(grid.columns, np.nan))
            rows.setdefault(frozenset(labels.items()), new)[1][column : column + part.grid.columns] = values
        column += part.grid.columns
    values = np.array([row for _, row in rows.values()]).reshape(len(rows), grid.columns)
    return Matrix(tuple(labels for labels, _ in rows.values()), grid, values)


class Data(msgspec.Struct):
    """An answer's `data`; the series are decoded once their type is known to be the one asked for."""

    result_type: str = msgspec.field(name="resultType", default="")
    result: msgspec.Raw = msgspec.Raw(b"null")


class Document(msgspec.Struct):
    """What the API answers, good or bad."""

    status: str = ""
    data: Data | None = None
    error: Any = ""
    warnings: Any = None
    is_partial: Any = msgspec.field(name="isPartial", default=False)


class _About(msgspec.Struct):
    type: str = ""


class _Metadata(msgspec.Struct):
    data: dict[str, list[_About]]


class Series(msgspec.Struct):
    """One series, its samples as they are."""

    metric: dict[str, str]
    # Decoded one series at a time: all at once they would take ten times the room of the answer.
    values: msgspec.Raw = msgspec.Raw()
    value: msgspec.Raw = msgspec.Raw()


class _Point(msgspec.Struct):
    """One series with one sample."""

    metric: dict[str, str]
    value: tuple[float, str]


# Values read as numbers at once take a fifth of the time that the json module and float() need for them.
_documents = msgspec.json.Decoder(Document)
_metadata = msgspec.json.Decoder(_Metadata)
_series = msgspec.json.Decoder(list[Series])
_points = msgspec.json.Decoder(list[_Point])
_one = msgspec.json.Decoder(Series)
_numbers = msgspec.json.Decoder(list[Sample], strict=False)
_texts = msgspec.json.Decoder(list[tuple[float, str]])


def read_document(body: bytes | bytearray) -> Document:
    """Read an answer, its series left as they are. Raises MatrixError."""
    try:
        return _documents.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MatrixError(str(error)) from error


def read_types(body: bytes | bytearray) -> dict[str, str]:
    """Read the types of metrics of an answer about metadata. Raises MatrixError."""
    try:
        return {name: every[0].type for name, every in _metadata.decode(body).data.items() if every}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MatrixError(str(error)) from error


def read_matrix(result: bytes | memoryview, grid: Grid) -> Matrix:
    """Read the series of a `vector` or a `matrix`.

    Raises:
        MatrixError: they are not of the API's form, one is there twice, or a sample is not where it was asked for.
    """
    if grid.columns == 1 and (points := _read_points(result)) is not None:
        return _vector(points, grid)
    try:
        series = _series.decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MatrixError(f"a series is not of the API's form: {error}") from error
    labels = _distinct([one.metric for one in series])
    values = np.empty((len(series), grid.columns))
    for row, one in enumerate(series):
        values[row] = read_series(one, grid)[1]
    return Matrix(labels, grid, values)


def _read_points(result: bytes | memoryview) -> list[_Point] | None:
    """Read the series of a `vector`; None where it is no such."""
    try:
        return _points.decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _vector(points: list[_Point], grid: Grid) -> Matrix:
    """All at once: one by one, what is watched every minute would take five times as long."""
    labels = _distinct([one.metric for one in points])
    times = np.array([one.value[0] for one in points], dtype=np.float64)
    foreign = ~(np.abs(times - grid.start) <= OFF_GRID * grid.step)
    if foreign.any():
        raise MatrixError(f"sample at {times[foreign][0]}, which was not asked for")
    try:
        values = np.array([float(one.value[1]) for one in points], dtype=np.float64)
    except ValueError as error:
        raise MatrixError(f"a series is not of the API's form: {error}") from error
    return Matrix(labels, grid, np.where(np.isnan(values), np.inf, values)[:, np.newaxis])


def _distinct(labels: list[dict[str, str]]) -> tuple[Mapping[str, str], ...]:
    seen: set[frozenset[tuple[str, str]]] = set()
    for one in labels:
        identity = frozenset(one.items())
        if identity in seen:
            raise MatrixError(f"the series {one} came twice")
        seen.add(identity)
    return tuple(labels)


def read_some(text: bytes) -> Series | None:
    """Read one series; None where that is no whole one."""
    try:
        return _one.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_series(
    one: Series, grid: Grid, kind: type[np.float32] | type[np.float64] = np.float64
) -> tuple[Mapping[str, str], Samples]:
    """Read a series' labels, and its samples on the grid as so exact numbers. Raises MatrixError."""
    row = np.full(grid.columns, np.nan, kind)
    _fill(row, _samples(one), grid)
    return one.metric, row


def _samples(one: Series) -> list[Sample]:
    samples = bytes(one.values) or b"[" + bytes(one.value) + b"]"
    try:
        try:
            return _numbers.decode(samples)
        except msgspec.ValidationError:
            # Prometheus writes +Inf, which is no number to the decoder; float() knows all that Go writes.
            return [(at, float(text)) for at, text in _texts.decode(samples)]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MatrixError(f"a series is not of the API's form: {error}") from error


def _fill(row: Samples, samples: list[Sample], grid: Grid) -> None:
    if not samples:
        raise MatrixError("a series has no sample")
    # Half the time of an array made of tuples.
    times, values = np.fromiter(chain.from_iterable(samples), np.float64, 2 * len(samples)).reshape(-1, 2).T
    columns = (times - grid.start) / grid.step
    nearest = np.rint(columns)
    # Written so that a time that is no number is foreign too.
    foreign = ~((nearest >= 0) & (nearest < grid.columns) & (np.abs(columns - nearest) <= OFF_GRID))
    if foreign.any():
        raise MatrixError(f"sample at {times[foreign][0]}, which was not asked for")
    if (np.diff(nearest) <= 0).any():
        raise MatrixError("samples are out of order or there twice")
    row[nearest.astype(np.int64)] = np.where(np.isnan(values), np.inf, values)
