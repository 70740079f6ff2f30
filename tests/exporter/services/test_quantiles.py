"""Quantiles in bounded memory."""

import random

import pytest

from exporter.services.quantiles import EXACT, Quantiles


def quantiles(values: list[int]) -> Quantiles:
    found = Quantiles()
    for value in values:
        found.add(value)
    return found


def test_few_durations_are_kept_exactly() -> None:
    found = quantiles([5, 1, 4, 2, 3])
    assert [found.quantile(share) for share in (0.0, 0.5, 0.99)] == [1, 3, 5]
    assert (found.count, found.total) == (5, 15)


def test_many_durations_are_kept_within_a_percent() -> None:
    chance = random.Random(1)
    values = [int(chance.lognormvariate(13, 2)) for _ in range(3 * EXACT)]
    found = quantiles(values)
    values.sort()
    for share in (0.01, 0.5, 0.9, 0.99):
        assert found.quantile(share) == pytest.approx(values[int(share * len(values))], rel=0.011)
    assert found.count == len(values)
    assert found.total == sum(values)


def test_many_zeros_stay_zero() -> None:
    assert quantiles([0] * (EXACT + 1)).quantile(0.99) == 0


def test_no_durations_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no durations"):
        Quantiles().quantile(0.5)
