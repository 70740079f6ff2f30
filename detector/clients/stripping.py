"""Takes the series out of an answer while it comes: whole, one of weeks is the most of what is in memory."""

from collections.abc import Mapping

import numpy as np

from detector.clients.matrix import Grid, Matrix, MatrixError, read_document, read_series, read_some
from detector.model import Samples

OPENING = b'"result":['
SERIES_END = b"]]}"  # of one whose samples come last, as they do; others stay where they are, and are read in the end
CLOSING = b"]}}"


class Stripping:
    """The series of one answer of type matrix."""

    def __init__(self, grid: Grid, kind: type[np.float32] | type[np.float64]) -> None:
        """`kind` is how exactly values are kept."""
        self._grid = grid
        self._kind = kind
        self._labels: list[Mapping[str, str]] = []
        self._rows: list[Samples] = []
        self._begin = -1  # of the first series that is not taken out, once what precedes it is known to be an answer's
        self._searched = 0
        self._given_up = False

    def __call__(self, received: bytearray) -> None:
        """Take out what is there whole; what is no series is left. Raises MatrixError."""
        if self._given_up or (self._begin < 0 and not self._opened(received)):
            return
        begin = self._begin
        while (end := received.find(SERIES_END, max(self._searched, begin))) >= 0:
            self._searched = end + 1
            first = begin + (received[begin : begin + 1] == b",")
            one = read_some(bytes(received[first : end + len(SERIES_END)]))
            if one is not None:  # else that was in a label
                labels, row = read_series(one, self._grid, self._kind)
                self._labels.append(labels)
                self._rows.append(row)
                begin = self._searched = end + len(SERIES_END)
        del received[self._begin : begin]
        self._searched = max(self._begin, min(self._searched - (begin - self._begin), len(received) - len(SERIES_END)))

    def joined(self, rest: Matrix) -> Matrix:
        """What was taken out and then what was left. Raises MatrixError: a series is there twice."""
        labels = (*self._labels, *rest.labels)
        if len({frozenset(one.items()) for one in labels}) != len(labels):
            raise MatrixError("a series came twice")
        values = np.empty((len(labels), self._grid.columns), self._kind)
        for row, values_of_row in enumerate(self._rows):
            values[row] = values_of_row
        values[len(self._rows) :] = rest.values
        self._rows.clear()
        return Matrix(labels, self._grid, values)

    def _opened(self, received: bytearray) -> bool:
        place = received.find(OPENING)
        if place < 0:
            return False
        begin = place + len(OPENING)
        try:
            data = read_document(received[:begin] + CLOSING).data
        except MatrixError:
            data = None
        if data is None or data.result_type != "matrix":
            self._given_up = True  # nothing that is known: as a whole it may be
            return False
        self._begin = self._searched = begin
        return True
