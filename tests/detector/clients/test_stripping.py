"""Answers that come in pieces, whose series are taken out as soon as they are there."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.clients.matrix import Grid, Matrix, MatrixError, read_document, read_matrix
from detector.clients.stripping import Stripping

GRID = Grid(0.0, 60.0, 4)
LABELS = ("plain", "]]}", '"result":[', '{"metric":{}}', "größe ✓", "a\\b")


def document(series: list[dict[str, Any]], separators: tuple[str, str] = (",", ":"), **more: object) -> bytes:
    data = {"resultType": "matrix", "result": series}
    return json.dumps({"status": "success", "data": data, **more}, separators=separators).encode()


def series(name: str, *values: str) -> dict[str, Any]:
    return {"metric": {"name": name}, "values": [[60 * place, value] for place, value in enumerate(values)]}


def read(body: bytes, cuts: set[int]) -> tuple[Matrix, list[int]]:
    """The answer's series, and how much was left of it after each piece."""
    received, strip, left = bytearray(), Stripping(GRID, np.float32), []
    edges = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    for begin, end in pairwise(edges):
        received += body[begin:end]
        strip(received)
        left.append(len(received))
    data = read_document(received).data
    assert data is not None
    return strip.joined(read_matrix(bytes(data.result), GRID)), left


@given(
    names=st.lists(st.sampled_from(LABELS), unique=True),
    cuts=st.sets(st.integers(1, 600)),
    spaced=st.booleans(),
    infos=st.booleans(),
)
def test_how_an_answer_was_cut_changes_nothing(names: list[str], cuts: set[int], spaced: bool, infos: bool) -> None:
    every = [series(name, str(row), "+Inf", "0.5") for row, name in enumerate(names)]
    more: dict[str, Any] = {"warnings": ["PromQL info: ]]}"]} if infos else {}
    body = document(every, (", ", ": ") if spaced else (",", ":"), **more)
    matrix, left = read(body, cuts)
    assert [labels["name"] for labels in matrix.labels] == names
    assert matrix.values[:, 0].tolist() == list(range(len(names)))
    assert matrix.values.dtype == np.float32
    assert np.isinf(matrix.values[:, 1]).all()
    assert np.isnan(matrix.values[:, 3]).all()
    if not spaced:
        assert left[-1] <= len(document([], **more))


def test_no_more_than_a_series_and_a_piece_is_ever_held() -> None:
    body = document([series(f"s{row}", "1", "2", "3", "4") for row in range(500)])
    matrix, left = read(body, set(range(0, len(body), 100)))
    assert len(matrix.labels) == 500
    assert max(left) < 400


def test_a_series_whose_samples_come_first_is_read_too() -> None:
    body = document([dict(reversed(series("a", "1").items())), series("b", "2")])
    matrix, _ = read(body, {50})
    assert [labels["name"] for labels in matrix.labels] == ["a", "b"]


@pytest.mark.parametrize(
    "every",
    [
        [series("a", "1"), series("a", "2")],
        [{"metric": {"name": "a"}, "values": [[7, "1"]]}],
        [{"metric": {"name": "a"}, "values": [[60, "1"], [0, "1"]]}],
        [{"metric": {"name": "a"}, "values": []}],
        [{"metric": {"name": "a"}, "values": [[0, "much"]]}],
    ],
)
def test_what_cannot_be_is_refused(every: list[dict[str, Any]]) -> None:
    with pytest.raises(MatrixError):
        read(document(every), set())


def test_an_answer_of_another_type_is_left_as_it_is() -> None:
    body = bytearray(b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"values":[[0,"1"]]}]}}')
    before = bytes(body)
    Stripping(GRID, np.float64)(body)
    assert bytes(body) == before
