"""Asks a Prometheus, or what speaks its API, for series on a time grid."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.clients.endpoint import Answer, Endpoint, TransportError
from detector.model import Floats, Seconds

MAX_POINTS = 10_000  # Prometheus refuses more than 11,000 per series
MAX_SAMPLES = 500_000  # of one answer: some 100 MB while it is decoded


class QueryError(Exception):
    """A query gave no usable result.

    Attributes:
        reason: transport, refused, partial or malformed; a label value.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


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


@dataclass(frozen=True, slots=True)
class Matrix:
    """A query's result on a grid.

    Attributes:
        labels: of each row; no two are equal.
        grid: of the columns.
        values: shape (rows, columns); NaN where there is no sample, or one that is no finite number.
    """

    labels: tuple[Mapping[str, str], ...]
    grid: Grid
    values: Floats


Observe = Callable[[Seconds], None]
Count = Callable[[str], None]


class Prometheus:
    """A server that answers PromQL. Without state: retrying is for whoever knows how long it may take."""

    def __init__(self, endpoint: Endpoint, observe: Observe, failed: Count) -> None:
        """`observe` is told how long each query took, answered or not; `failed` the reason of each that failed."""
        self._endpoint = endpoint
        self._observe = observe
        self._failed = failed

    @property
    def url(self) -> str:
        """Where it is."""
        return self._endpoint.url

    def query(self, promql: str, at: Seconds) -> Matrix:
        """The value at one time, as a grid of one column. Raises QueryError."""
        return self._ask("/api/v1/query", "vector", {"query": promql, "time": _time(at)}, Grid(at, 1.0, 1))

    def query_range(self, promql: str, grid: Grid) -> Matrix:
        """The values on a grid of at most MAX_POINTS. Raises QueryError."""
        form = {"query": promql, "start": _time(grid.start), "end": _time(grid.end), "step": _time(grid.step)}
        return self._ask("/api/v1/query_range", "matrix", form, grid)

    def _ask(self, path: str, kind: str, form: Mapping[str, str], grid: Grid) -> Matrix:
        try:
            return _matrix(_result(self._answer(path, form), kind), grid)
        except QueryError as error:
            self._failed(error.reason)
            raise

    def _answer(self, path: str, form: Mapping[str, str]) -> Answer:
        timeout = f"{round(self._endpoint.timeout_seconds * 1000)}ms"
        began = time.monotonic()
        try:
            # Thanos answers with what it could reach unless told not to; the others ignore the parameter.
            return self._endpoint.post_form(path, {**form, "timeout": timeout, "partial_response": "false"})
        except TransportError as error:
            raise QueryError("transport", str(error)) from error
        finally:
            self._observe(time.monotonic() - began)


def chunks(grid: Grid, series: int) -> list[Grid]:
    """Cut a grid so that no answer of `series` rows exceeds MAX_POINTS or MAX_SAMPLES."""
    width = max(1, min(MAX_POINTS, MAX_SAMPLES // max(1, series)))
    return [
        Grid(grid.start + first * grid.step, grid.step, min(width, grid.columns - first))
        for first in range(0, grid.columns, width)
    ]


def _time(at: Seconds) -> str:
    return f"{at:.3f}".rstrip("0").rstrip(".")


def _result(answer: Answer, kind: str) -> list[Any]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise QueryError(_blame(answer), f"HTTP {answer.status}, not JSON: {answer.excerpt()}") from error
    if not isinstance(document, dict):
        raise QueryError("malformed", f"HTTP {answer.status}: {answer.excerpt()}")
    if answer.status != 200 or document.get("status") != "success":
        message = document.get("error", answer.excerpt())
        raise QueryError("refused", f"HTTP {answer.status}: {str(message)[:300]}")
    _require_whole(document)
    data = document.get("data")
    if not isinstance(data, dict) or data.get("resultType") != kind or not isinstance(data.get("result"), list):
        raise QueryError("malformed", f"no {kind} in the answer: {answer.excerpt()}")
    return list(data["result"])


def _blame(answer: Answer) -> str:
    return "malformed" if answer.status == 200 else "refused"


def _require_whole(document: Mapping[str, Any]) -> None:
    """A part of the series taken for all of them would look like services that vanished."""
    warnings = document.get("warnings") or []
    foreign = [str(text) for text in warnings if not str(text).startswith("PromQL")] if _is_list(warnings) else []
    if document.get("isPartial") or foreign:
        raise QueryError("partial", f"the answer is not whole: {'; '.join(foreign)[:300]}")


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _matrix(result: list[Any], grid: Grid) -> Matrix:
    labels: list[Mapping[str, str]] = []
    values = np.full((len(result), grid.columns), np.nan)
    seen: set[frozenset[tuple[str, str]]] = set()
    try:
        for row, series in enumerate(result):
            identity = {str(name): str(value) for name, value in series["metric"].items()}
            frozen = frozenset(identity.items())
            if frozen in seen:
                raise QueryError("malformed", f"the series {identity} came twice")
            seen.add(frozen)
            labels.append(identity)
            _fill(values[row], series["values"] if "values" in series else [series["value"]], grid)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise QueryError("malformed", f"a series is not of the API's form: {error!r}") from error
    return Matrix(tuple(labels), grid, values)


def _fill(row: Floats, samples: list[Any], grid: Grid) -> None:
    times = np.array([at for at, _ in samples], dtype=np.float64)
    values = np.fromiter((float(text) for _, text in samples), np.float64, len(samples))
    if times.shape != values.shape or not np.isfinite(times).all():
        raise ValueError("a sample's time is no number")
    columns = (times - grid.start) / grid.step
    nearest = np.rint(columns)
    foreign = (nearest < 0) | (nearest >= grid.columns) | (np.abs(columns - nearest) > 0.01)
    if foreign.any():
        raise ValueError(f"sample at {times[foreign][0]}, which was not asked for")
    if (np.diff(nearest) <= 0).any():
        raise ValueError("samples are out of order or there twice")
    row[nearest.astype(np.int64)] = np.where(np.isfinite(values), values, np.nan)
