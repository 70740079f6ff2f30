"""What the detector says about a series in a file, each point by the points before it alone."""

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np

from detector.model import Floats
from detector.streams import Surprise

COLUMNS = ("timestamp", "value")
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
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
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
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise SeriesError(f"{path} has no columns {' and '.join(COLUMNS)}")
    for row in reader:
        try:
            yield _seconds(row["timestamp"]), float(row["value"] or "nan")
        except (ValueError, TypeError) as error:
            raise SeriesError(f"{path}, line {reader.line_num}: {error}") from error


def _seconds(text: str) -> float:
    """Return a time in seconds since the epoch; without a zone it is in UTC."""
    try:
        at = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(at):
        raise ValueError(f"{text!r} is no time")
    return at


def scores(times: Floats, values: Floats) -> Iterator[float]:
    """Yield each point's score: above 1 is anomalous, NaN before the series' scale is known."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else LEAST_STEP_SECONDS
    surprise = Surprise(1, max(step, LEAST_STEP_SECONDS))
    for at, value in zip(times.tolist(), values, strict=True):
        yield float(surprise.observe(at, np.array([value]))[0])
