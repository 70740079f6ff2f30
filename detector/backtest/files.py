"""Prints what the detector says about series in files."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np

from detector.backtest.picture import Picture, draw
from detector.backtest.series import read, scores
from detector.model import Floats, Seconds
from toolkit.progress import Follower

SHOWN_POINTS = 300  # of a picture, around a finding


def tell_files(paths: Sequence[Path], as_json: bool, pictures: Path | None, out: TextIO, progress: Follower) -> None:
    """Write what is found in each file.

    Args:
        pictures: a folder for one picture per finding; None: none.
        progress: told the share that is done, by the number of files.

    Raises:
        OSError, SeriesError: a file cannot be read, after those before it.
    """
    for number, path in enumerate(paths):
        times, values = read(path)
        found = np.empty(len(times))
        for row, score in enumerate(scores(times, values)):
            found[row] = score
            progress((number + row / len(times)) / len(paths), path.name)
        progress.clear()
        (_points if as_json else _findings)(path, times, values, found, out)
        if pictures is not None:
            for serial, picture in enumerate(_pictures(path.stem, times, values, found), 1):
                (pictures / f"{path.stem}-{serial:03d}.svg").write_text(draw(picture), encoding="utf-8")


def _points(path: Path, times: Floats, values: Floats, found: Floats, out: TextIO) -> None:
    for at, value, score in zip(times.tolist(), values.tolist(), found.tolist(), strict=True):
        point = {"series": str(path), "timestamp": at, "value": _number(value), "score": _number(score)}
        out.write(json.dumps(point) + "\n")


def _number(value: float) -> float | None:
    """Return a value as JSON has it: without NaN and infinities."""
    return value if math.isfinite(value) else None


def _findings(path: Path, times: Floats, values: Floats, found: Floats, out: TextIO) -> None:
    anomalous = np.flatnonzero(found > 1)
    for row in anomalous:
        at = datetime.fromtimestamp(times[row], UTC)
        out.write(f"{path}: {at:%Y-%m-%d %H:%M:%S} UTC: {values[row]:g}, score {found[row]:.2f}\n")
    out.write(f"{path}: {len(anomalous)} of {len(values)} points are anomalous\n")


def _pictures(name: str, times: Floats, values: Floats, found: Floats) -> Iterable[Picture]:
    """One picture of each group of anomalous points that fits into it."""
    anomalous = np.flatnonzero(found > 1)
    first = 0
    while first < len(anomalous):
        begin = max(0, int(anomalous[first]) - SHOWN_POINTS // 2)
        shown = slice(begin, begin + SHOWN_POINTS)
        marked = anomalous[(anomalous >= anomalous[first]) & (anomalous < shown.stop)]
        nothing = np.full(len(times[shown]), np.nan)
        if len(nothing) > 1:
            points = "point" if len(marked) == 1 else "points"
            title = f"{name}: {len(marked)} anomalous {points}, score {float(found[marked].max()):.2f}"
            told = tuple(_span(times, int(row)) for row in marked)
            yield Picture(
                title, times[shown], values[shown], nothing, nothing, nothing, told, lambda value: f"{value:.4g}"
            )
        first += len(marked)


def _span(times: Floats, row: int) -> tuple[Seconds, Seconds]:
    return float(times[max(row - 1, 0)]), float(times[min(row + 1, len(times) - 1)])
