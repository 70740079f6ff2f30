"""What is scaled up is right in the mean, whatever the load: counts, errors and durations."""

import random
import statistics

import pytest

from tests.exporter.services.loads import any_load, bursts, lasting, pipelined, steady
from tests.exporter.services.world import Asked, World

SECONDS = 20
READ_SECONDS = 2  # after which all is read that is to be read of a load
ANY_SECONDS, COSTS = 12, (100e-6, 200e-6, 400e-6)
COSTLY = 250e-6  # seconds of processor time for a packet


def ratios(load: list[Asked], runs: int, seconds: float = SECONDS, **settings: object) -> list[float]:
    """Return what was counted per request that was made, over many phases of the slices."""
    found = []
    for seed in range(runs):
        world = World(load, **settings)  # type: ignore[arg-type]  # of World's fields
        world.run(seconds + READ_SECONDS, seed)
        found.append(world.counted.requests / len(load))
    return found


def within_chance(found: list[float], bias: float) -> bool:
    """Return whether the mean is nearer to 1 than the bias allows and chance explains, three standard errors."""
    error: float = statistics.stdev(found) / len(found) ** 0.5
    return abs(statistics.mean(found) - 1) <= bias + 3 * error


def test_one_request_per_round_trip() -> None:
    found = ratios(steady(2000, SECONDS), 3)
    assert max(abs(ratio - 1) for ratio in found) < 0.03
    assert abs(statistics.mean(found) - 1) < 0.005


def test_pipelined_requests() -> None:
    found = ratios(pipelined(2000, SECONDS), 3)
    assert abs(statistics.mean(found) - 1) < 0.01 + 3 * statistics.stdev(found) / 3**0.5


@pytest.mark.parametrize("period", [0.05, 0.4])
def test_bursts_as_long_apart_as_slices(period: float) -> None:
    assert within_chance(ratios(bursts(2000, SECONDS, period, 0.2), 4), 0.002)


def within_twice_the_stated(runs: int) -> float:
    """Return in which share of runs, each of a load of its own, no more is off than twice the standard error."""
    within = []
    for seed in range(runs):
        dice = random.Random(seed)
        load = any_load(dice, ANY_SECONDS)
        world = World(load, cost=dice.choice(COSTS))
        world.run(ANY_SECONDS + 1, seed)
        within.append(abs(world.counted.requests / len(load) - 1) <= 2 * world.error_ratio)
    return statistics.mean(within)


def test_true_counts_lie_within_twice_the_stated_error_whatever_the_load() -> None:
    assert within_twice_the_stated(20) >= 0.85


@pytest.mark.long
@pytest.mark.timeout(900)
def test_95_of_100_true_counts_lie_within_twice_the_stated_error() -> None:
    assert 0.93 <= within_twice_the_stated(400) <= 0.99


@pytest.mark.long
@pytest.mark.parametrize("period", [0.03, 0.05, 0.1, 0.35, 0.5, 1.0])
def test_bursts_are_counted_without_bias_in_the_long_run(period: float) -> None:
    # What a load's last burst leaves unread is stood for by what comes next, and here nothing does.
    seconds = SECONDS * 4 if period >= 0.5 else SECONDS
    assert within_chance(ratios(bursts(2000, seconds, period, 0.1), 60, seconds), 0.002)


def test_a_loop_that_wakes_late_when_there_is_much_to_do() -> None:
    """What lengthens a slice must not lengthen what it stands for: a slice ends by the packets' time."""

    def late(now: float, dice: random.Random) -> float:
        return dice.expovariate(1 / 0.005) if now % 2 < 1 else 0.0

    load = [one for one in steady(3000, SECONDS) if one.asked % 2 < 1 or one.connection % 4 == 0]
    assert within_chance(ratios(load, 4, late=late), 0.005)


def test_errors_and_durations_of_requests_longer_than_a_slice() -> None:
    load = lasting(400, SECONDS - 2, 0.0, 0.4)
    truth = sum(one.answered - one.asked for one in load)
    requests, durations, sums = [], [], []
    for seed in range(12):
        world = World(load, cost=COSTLY, picks=False)
        world.run(SECONDS, seed)
        requests.append(world.counted.requests / len(load))
        durations.append(sum(world.counted.durations) / len(load))
        sums.append(world.counted.duration_sum / 1e9 / truth)
    assert within_chance(requests, 0.005)
    assert within_chance(durations, 0.01)
    assert within_chance(sums, 0.01)
    assert statistics.mean(durations) == pytest.approx(1, abs=0.25)


def test_what_is_answered_while_nobody_looks_fails_as_often_as_the_rest() -> None:
    found = []
    for seed in range(2):
        world = World(steady(2000, SECONDS, rtt=0.1))
        world.run(SECONDS, seed)
        found.append(world.counted.errors)
    assert statistics.mean(found) == pytest.approx(0.1 * 2000 * SECONDS, rel=0.03)


def test_the_stated_error_is_about_what_the_counts_are_off_by() -> None:
    load, off, stated = bursts(400, SECONDS, 0.4, 0.5), [], []
    for seed in range(12):
        world = World(load, cost=COSTLY, picks=False)
        world.run(SECONDS, seed)
        off.append((world.counted.requests / len(load) - 1) ** 2)
        stated.append(world.error_ratio**2)
    assert 0.3 < (statistics.mean(stated) / statistics.mean(off)) ** 0.5 < 3


def test_nothing_is_stated_to_be_off_while_everything_is_looked_at() -> None:
    world = World(steady(50, 20))
    world.run(20)
    assert world.error_ratio == 0.0


def test_a_rush_after_a_rush_is_told_within_the_stated_error_and_the_budget() -> None:
    """160,000 requests within seconds after 120,000 others, in proportion; true errors lie within twice the stated."""
    load, within = [one for one in steady(4000, 19) if one.asked < 3 or one.asked > 15], 0
    for seed in range(5):
        world = World(load)
        world.run(SECONDS, seed)
        within += abs(world.counted.requests / len(load) - 1) <= 2 * world.error_ratio
        assert world.most_spent(30.0) <= 0.05 * 30
    assert within >= 4
