"""What the detector says about a series in a file, each point by the points before it alone."""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np

from detector.model import Floats
from detector.streams import Surprise

COLUMNS = ("timestamp", "value")
# Years that have four digits; a number beyond them may be one of milliseconds.
EARLIEST_SECONDS, LATEST_SECONDS = -62_135_596_800.0, 253_402_300_799.0
MOST_SHOWN = 80  # letters of what is wrong
# Points are taken to follow each other at least this often apart, whatever a file with equal times says.
LEAST_STEP_SECONDS = 1.0


class SeriesError(ValueError):
    """A file holds no series; says which file, which line and why."""


def read(path: Path) -> tuple[Floats, Floats]:
    """Return a file's times, in seconds since the epoch, and values, NaN where there is none; both of shape (points,).

    Raises:
        OSError: it cannot be read.
        SeriesError: it is not CSV with the columns `timestamp` and `value`, or a time is none or before the last.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(_rows(path, file))
    if not rows:
        raise SeriesError(f"{path} holds no points")
    times = np.array([at for at, _ in rows])
    backwards = np.flatnonzero(np.diff(times) < 0)
    if len(backwards):
        raise SeriesError(f"{path}, point {backwards[0] + 2}: its time is before the last one's")
    return times, np.array([value for _, value in rows])


def _rows(path: Path, file: TextIO) -> Iterator[tuple[float, float]]:
    reader = csv.DictReader(file)
    try:
        _require_columns(path, reader.fieldnames or ())
        for row in reader:
            yield _seconds(row["timestamp"]), _value(row["value"])
    except (ValueError, csv.Error) as error:
        if isinstance(error, SeriesError):
            raise
        raise SeriesError(f"{path}, line {reader.line_num}: {error}") from error


def _require_columns(path: Path, names: Sequence[str]) -> None:
    if not set(COLUMNS) <= set(names):
        first = ",".join(names)[:MOST_SHOWN]
        raise SeriesError(f"{path} has no columns {' and '.join(COLUMNS)}; its first line is {first!r}")


def _value(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        raise ValueError(f"{_shown(text)} is no number") from None


def _seconds(text: str | None) -> float:
    """Return a time in seconds since the epoch; without a zone it is in UTC."""
    try:
        at = float(text or "")
    except ValueError:
        at = _moment(text or "")
    if not EARLIEST_SECONDS <= at <= LATEST_SECONDS:
        raise ValueError(f"{_shown(text)} is no time in seconds since the epoch")
    return at


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{_shown(text)} is no time: neither ISO 8601 nor seconds since the epoch") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _shown(text: str | None) -> str:
    return repr((text or "")[:MOST_SHOWN])


def scores(times: Floats, values: Floats) -> Iterator[float]:
    """Yield each point's score: above 1 is anomalous, NaN before the series' scale is known."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else LEAST_STEP_SECONDS
    surprise = Surprise(1, max(step, LEAST_STEP_SECONDS))
    for at, value in zip(times.tolist(), values, strict=True):
        yield float(surprise.observe(at, np.array([value]))[0])
