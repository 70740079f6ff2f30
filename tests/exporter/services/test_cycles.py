import random
from collections import Counter
from itertools import pairwise

import pytest

from exporter.services.cycles import Cycle, overlap, place


def test_every_moment_of_a_cycle_is_looked_at_as_often() -> None:
    dice, seen = random.Random(1), Counter[int]()
    for _ in range(20_000):
        spans = place(Cycle(1, 10.0, 1.0, 0.3), 1 / 0.3, 1, dice.random())
        seen.update(
            moment for moment in range(10) if any(span.start <= 10.05 + moment / 10 < span.end for span in spans)
        )
    assert min(seen.values()) / 20_000 == pytest.approx(0.3, abs=0.01)
    assert max(seen.values()) / 20_000 == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("chance", [0.0, 0.4, 0.7, 0.85, 0.999])
def test_spans_lie_in_order_within_the_cycle_and_add_up(chance: float) -> None:
    spans = place(Cycle(1, 10.0, 1.0, 0.3), 1 / 0.3, 1, chance)
    assert sum(span.length for span in spans) == pytest.approx(0.3)
    assert spans[0].start >= 10.0
    assert spans[-1].end <= 11.0
    assert all(earlier.end <= later.start for earlier, later in pairwise(spans))


def test_only_what_lies_within_overlaps() -> None:
    spans = place(Cycle(1, 0.0, 1.0, 0.5), 2.0, 1, 0.75)  # 0 to 0.25, and 0.75 to 1
    assert overlap(spans, 0.2, 0.8) == pytest.approx(0.1)
