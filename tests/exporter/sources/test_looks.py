"""How often rings are looked at: seldom while they fill slowly, soon where they fill fast."""

import pytest

from exporter.sources.governed import LEAST_LOOK_SECONDS, MOST_LOOK_SECONDS, WAITING_FULLNESS, look_after


def test_a_ring_that_fills_slowly_is_looked_at_seldom() -> None:
    assert look_after(0.05, 0.01) == MOST_LOOK_SECONDS
    assert look_after(0.05, 0.0) == MOST_LOOK_SECONDS


def test_a_ring_that_fills_fast_is_looked_at_soon() -> None:
    assert look_after(0.001, 0.4) == LEAST_LOOK_SECONDS


def test_the_next_look_is_halfway_to_when_the_ring_is_too_full() -> None:
    seconds = 0.04
    assert look_after(seconds, WAITING_FULLNESS / 2) == pytest.approx(seconds / 2)
