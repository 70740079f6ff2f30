from itertools import pairwise
from tempfile import TemporaryFile

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.clients.matrix import Grid
from detector.history.spool import ROWS_AT_ONCE, Spool
from detector.model import SeriesKey

GRID = Grid(1_700_000_000.0, 60.0, 12)


@given(
    cuts=st.sets(st.integers(1, 11)),
    absent=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 11))),
    order=st.permutations(range(5)),
)
def test_series_come_out_as_they_went_in_whatever_the_stretches(
    cuts: set[int], absent: set[tuple[int, int]], order: list[int]
) -> None:
    values = np.arange(60.0).reshape(5, 12)
    edges = [0, *sorted(cuts), 12]
    with TemporaryFile() as file:
        spool = Spool(file, GRID)
        for part, (first, last) in enumerate(pairwise(edges)):
            there = [row for row in order if (row, part) not in absent]
            spool.add(first, {SeriesKey(f"s{row}", "x"): values[row, first:last] for row in there})
            for row in set(range(5)) - set(there):
                values[row, first:last] = np.nan
        histories = list(spool.histories())
    known = [row for row in range(5) if np.isfinite(values[row]).any()]
    assert [key.service_name for history in histories for key in history.keys] == [f"s{row}" for row in known]
    for history in histories:
        assert (history.start, history.step) == (GRID.start, GRID.step)
        assert np.array_equal(history.values, values[known], equal_nan=True)


def test_many_series_leave_a_few_at_a_time() -> None:
    count = 2 * ROWS_AT_ONCE + 3
    with TemporaryFile() as file:
        spool = Spool(file, GRID)
        spool.add(0, {SeriesKey(f"s{row:04}", "x"): np.full(12, float(row)) for row in reversed(range(count))})
        histories = list(spool.histories())
    assert [len(history.keys) for history in histories] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 3]
    assert np.concatenate([history.values[:, 5] for history in histories]).tolist() == list(map(float, range(count)))


def test_nothing_in_nothing_out() -> None:
    with TemporaryFile() as file:
        spool = Spool(file, GRID)
        spool.add(0, {})
        assert list(spool.histories()) == []
