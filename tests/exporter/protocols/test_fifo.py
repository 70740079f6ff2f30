import sys
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.fifo import Fifo


@given(st.integers(0, 3), st.lists(st.one_of(st.none(), st.just("clear"), st.integers())))
def test_it_is_a_deque(most: int, steps: list[int | str | None]) -> None:
    fifo, other = Fifo(most), deque[int](maxlen=most or None)
    for step in steps:
        if isinstance(step, int):
            fifo.append(step)
            other.append(step)
        elif step == "clear":
            fifo.clear()
            other.clear()
        elif other:
            assert fifo.popleft() == other.popleft()
        assert len(fifo) == len(other)
        assert bool(fifo) == bool(other)
        assert fifo.first() == (other[0] if other else None)


def test_nothing_comes_of_an_empty_one() -> None:
    with pytest.raises(IndexError):
        Fifo().popleft()


def test_one_item_costs_little() -> None:
    fifo = Fifo()
    fifo.append(1)
    assert sys.getsizeof(fifo) <= 96 < sys.getsizeof(deque())
