"""Asks a Prometheus, or what speaks its API, for series on a time grid."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import numpy as np

from detector.clients.endpoint import Answer, Endpoint, TransportError
from detector.clients.matrix import Document, Grid, Matrix, MatrixError, read_document, read_matrix, read_types
from detector.clients.stripping import Stripping
from detector.model import Seconds

MAX_POINTS = 10_000  # Prometheus refuses more than 11,000 per series
# Thanos answers with what it could reach, VictoriaMetrics without the newest half minute, unless told not to.
# The others ignore the parameters.
WHOLE_AND_NEWEST = {"partial_response": "false", "nocache": "1"}
MAX_SAMPLES = 4_000_000  # of one answer: some 120 MB while it is read. Half as many take VictoriaMetrics twice as long.

BAD_QUERY = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


class QueryError(Exception):
    """A query gave no usable result.

    Attributes:
        reason: transport, refused, partial or malformed; a label value.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BadQueryError(QueryError):
    """A query is none, or asks for what the server does not do: asking again leads to the same."""


Observe = Callable[[Seconds], None]
Count = Callable[[str], None]


class Prometheus:
    """A server that answers PromQL. Stateless: retrying is up to the caller, who knows how long it may take."""

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

    def query_range(self, promql: str, grid: Grid, kind: type[np.float32] | type[np.float64] = np.float64) -> Matrix:
        """The values on a grid of at most MAX_POINTS, as so exact numbers. Raises QueryError."""
        form = {"query": promql, "start": _time(grid.start), "end": _time(grid.end), "step": _time(grid.step)}
        strip = Stripping(grid, kind)
        rest = self._ask("/api/v1/query_range", "matrix", form, grid, strip)
        try:
            return strip.joined(rest)
        except MatrixError as error:
            self._failed("malformed")
            raise QueryError("malformed", str(error)) from error

    def metadata(self) -> dict[str, str]:
        """The type of each metric that has one. Raises QueryError."""
        try:
            return read_types(self._get("/api/v1/metadata").body)
        except MatrixError as error:
            self._failed("malformed")
            raise QueryError("malformed", f"metadata: {error}") from error

    def _get(self, path: str) -> Answer:
        try:
            answer = self._endpoint.get(path)
        except TransportError as error:
            self._failed("transport")
            raise QueryError("transport", str(error)) from error
        if answer.status != 200:
            self._failed("refused")
            raise QueryError("refused", f"HTTP {answer.status}: {answer.excerpt()}")
        return answer

    def _ask(self, path: str, kind: str, form: Mapping[str, str], grid: Grid, strip: Stripping | None = None) -> Matrix:
        try:
            return _matrix(_result(self._answer(path, form, strip), kind), grid)
        except QueryError as error:
            self._failed(error.reason)
            raise

    def _answer(self, path: str, form: Mapping[str, str], strip: Stripping | None) -> Answer:
        timeout = f"{round(self._endpoint.timeout_seconds * 1000)}ms"
        began = time.monotonic()
        try:
            return self._endpoint.post_form(path, {**form, "timeout": timeout, **WHOLE_AND_NEWEST}, strip)
        except TransportError as error:
            raise QueryError("transport", str(error)) from error
        except MatrixError as error:
            raise QueryError("malformed", str(error)) from error
        finally:
            self._observe(time.monotonic() - began)


def columns_of(series: int) -> int:
    """Return how many columns of so many rows one answer may have: at most MAX_POINTS, and MAX_SAMPLES in all."""
    return max(1, min(MAX_POINTS, MAX_SAMPLES // max(1, series)))


def _time(at: Seconds) -> str:
    return f"{at:.3f}".rstrip("0").rstrip(".")


def _matrix(result: memoryview, grid: Grid) -> Matrix:
    try:
        return read_matrix(result, grid)
    except MatrixError as error:
        raise QueryError("malformed", str(error)) from error


def _result(answer: Answer, kind: str) -> memoryview:
    try:
        document = read_document(answer.body)
    except MatrixError as error:
        raise QueryError(_blame(answer), f"HTTP {answer.status}, {error}: {answer.excerpt()}") from error
    if answer.status != 200 or document.status != "success":
        fault = BadQueryError if answer.status in BAD_QUERY else QueryError
        raise fault("refused", f"HTTP {answer.status}: {str(document.error or answer.excerpt())[:300]}")
    _require_whole(document)
    if document.data is None or document.data.result_type != kind:
        raise QueryError("malformed", f"no {kind} in the answer: {answer.excerpt()}")
    return memoryview(document.data.result)  # without a copy: it may be the most of what is in memory


def _blame(answer: Answer) -> str:
    return "malformed" if answer.status == 200 else "refused"


def _require_whole(document: Document) -> None:
    """A part of the series taken for all of them would look like services that vanished."""
    warnings = document.warnings if isinstance(document.warnings, list) else []
    foreign = [str(text) for text in warnings if not str(text).startswith("PromQL")]
    if document.is_partial or foreign:
        raise QueryError("partial", f"the answer is not whole: {'; '.join(foreign)[:300]}")
