"""No window takes more than is allowed, and what left it may be spent again."""

import pytest

from exporter.services.ledger import Ledger


def test_what_was_spent_leaves_the_window() -> None:
    ledger = Ledger(30.0)
    ledger.spend(1.0, 0.5)
    ledger.spend(20.0, 0.25)
    assert ledger.spent == pytest.approx(0.75)
    ledger.spend(32.0, 0.0)
    assert ledger.spent == pytest.approx(0.25)
    ledger.spend(60.0, 0.0)
    assert ledger.spent == pytest.approx(0.0)


def test_after_a_rush_what_is_left_must_last_until_it_is_forgotten() -> None:
    ledger = Ledger(30.0)
    ledger.spend(0.0, 1.2)
    assert ledger.bears(0.0, 1.5) == pytest.approx(0.3 / 30, rel=0.02)
    assert ledger.bears(15.0, 1.5) == pytest.approx(0.3 / 15, rel=0.02)


def test_a_steady_use_can_go_on() -> None:
    ledger = Ledger(30.0)
    for second in range(300):
        ledger.spend(second / 5, 0.009)
    assert ledger.bears(60.0, 1.5) == pytest.approx(0.05, rel=0.1)


def test_what_it_bears_never_takes_more_than_allowed() -> None:
    ledger, moments, now = Ledger(30.0), [], 0.0
    ledger.spend(now, 1.0)
    moments.append((now, 1.0))
    while now < 120.0:
        now += 0.1
        used = 0.1 * ledger.bears(now, 1.5)
        ledger.spend(now, used)
        moments.append((now, used))
    most = max(sum(used for at, used in moments if start <= at < start + 30) for start, _ in moments[::10])
    assert 1.4 < most <= 1.5


def test_nothing_is_borne_once_all_is_spent() -> None:
    ledger = Ledger(30.0)
    ledger.spend(0.0, 2.0)
    assert ledger.bears(1.0, 1.5) == 0.0
