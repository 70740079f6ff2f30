import random

import pytest

from exporter.services.calibration import Calibration


def calibrated(open_rate: float, shut_rate: float, noise: float = 0.01, turns: int = 60) -> Calibration:
    calibration, dice, now, packets = Calibration(), random.Random(1), 0.0, 0.0
    calibration.see(0.0, 0, was_open=False)
    for _ in range(turns):
        for seconds, rate, was_open in ((0.4, shut_rate, False), (0.05, open_rate, True)):
            now += seconds
            packets += seconds * rate * dice.gauss(1, noise)
            calibration.see(now, int(packets), was_open)
    return calibration


def test_a_server_that_is_slower_while_it_is_looked_at_is_counted_for_more() -> None:
    passed = (0.4 * 100_000 + 0.05 * 95_000) / 0.45
    assert calibrated(95_000, 100_000).factor() == pytest.approx(passed / 95_000, rel=0.005)


def test_what_may_be_chance_is_left_alone_and_told() -> None:
    calibration = calibrated(100_000, 100_000, noise=0.3)
    assert calibration.factor() == pytest.approx(1, abs=0.05)
    assert calibration.doubt_ratio() > 0.005


def test_nothing_is_concluded_from_a_few_turns() -> None:
    assert calibrated(50_000, 100_000, turns=5).factor() == 1.0


def test_a_counter_that_falls_as_an_interface_goes_is_no_traffic() -> None:
    calibration = calibrated(95_000, 100_000)
    before = calibration.factor()
    calibration.see(1e6, 0, was_open=False)
    assert calibration.factor() == before


def test_no_difference_is_believed_beyond_what_looking_can_do() -> None:
    assert calibrated(1_000, 100_000).factor() == 1.5
