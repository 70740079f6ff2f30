"""What the rest of the exporter may spend is kept free for it, and what it spends is taken from the capture."""

import pytest

from exporter.services.reserve import LEAST, MOST, Reserve

WINDOW, SECONDS = 30.0, 1.5


def test_a_part_is_kept_free_before_anything_was_spent() -> None:
    reserve = Reserve(WINDOW, SECONDS)
    assert reserve.spend(0.0, 0.0) == 0.0
    assert reserve.kept == pytest.approx(LEAST * SECONDS)


def test_what_was_spent_is_no_longer_kept_free() -> None:
    reserve = Reserve(WINDOW, SECONDS)
    assert reserve.spend(1.0, 0.1) == pytest.approx(0.1)
    assert reserve.kept == pytest.approx(LEAST * SECONDS - 0.1)


def test_after_a_dear_window_as_much_is_kept_free_for_another_one() -> None:
    reserve = Reserve(WINDOW, SECONDS)
    reserve.spend(1.0, 0.6)
    assert reserve.kept == pytest.approx(0.0)
    reserve.spend(1.0 + 2 * WINDOW, 0.0)
    assert reserve.kept == pytest.approx(0.6, rel=0.15)
    reserve.spend(7200.0, 0.0)
    assert reserve.kept == pytest.approx(LEAST * SECONDS)


def test_the_capture_goes_on_with_a_little_whatever_is_spent() -> None:
    reserve = Reserve(WINDOW, SECONDS)
    assert reserve.spend(1.0, 100.0) == pytest.approx(MOST * SECONDS)
    assert reserve.spend(2.0, 100.0) == pytest.approx(0.0)
