"""How strict a budget of false alerts makes the detector."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.checks.budget import MOST_RATE, RATES, SCORES, shared, strictness

rates = st.floats(1e-6, 10.0)


def test_what_was_measured_is_given_back() -> None:
    assert [strictness(rate) for rate in RATES] == pytest.approx(list(SCORES))


@given(rates, rates)
def test_who_accepts_fewer_false_alerts_gets_a_stricter_detector(one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    assert strictness(fewer) >= strictness(more) > 0


def test_a_fleet_shares_its_budget_and_a_small_one_does_not_use_it_up() -> None:
    assert shared(3.0, 300) == pytest.approx(strictness(0.01))
    assert shared(3.0, 3) == shared(3.0, 0) == shared(float("inf"), 50) == pytest.approx(strictness(MOST_RATE))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_no_false_alert_at_all_cannot_be_asked_for(rate: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        strictness(rate)
