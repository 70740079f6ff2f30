"""The governor against simulated loads: what it spends, and in which order it gives things up."""

import random

import pytest

from exporter.services.governor import EVERY, Governor
from exporter.services.plans import Aperture, Spent
from tests.exporter.services.loads import growing, steady
from tests.exporter.services.world import World

COSTLY = 250e-6  # seconds of processor time for a packet


def test_what_the_budget_bears_is_looked_at_whole() -> None:
    world = World(steady(50, 60))
    governor = world.run(60)
    assert world.counted.requests == 3000
    assert all(plan.whole for _, plan in world.plans)
    assert governor.shed().ratio == 1.0


@pytest.mark.parametrize("rate", [75, 500, 4000])
def test_no_window_takes_more_than_the_budget_at_any_load(rate: int) -> None:
    world = World(steady(rate, 45), cost=COSTLY)
    world.run(45)
    assert world.most_spent(30.0) <= 0.05 * 30
    assert world.spent / 45 > 0.02


def test_looks_that_cost_more_than_the_budget_become_fewer_and_counts_stay_right() -> None:
    world = World(steady(2000, 60), look=6e-3)
    world.run(60)
    assert world.most_spent(30.0) <= 0.05 * 30
    assert world.counted.requests == pytest.approx(120_000, rel=0.05)


def test_a_load_that_comes_at_once_takes_no_more_than_the_budget() -> None:
    world = World([one for one in steady(2000, 40) if one.asked > 10])
    world.run(40)
    assert world.most_spent(30.0) <= 0.05 * 30


def test_a_rush_after_calm_is_looked_at_whole_and_may_take_a_third_of_the_half_minute() -> None:
    load = [one for one in steady(1000, 12) if one.asked > 11]  # 0.5 of 1.5 seconds
    world = World(load)
    world.run(15)
    assert world.counted.requests == len(load)
    assert all(plan.whole for _, plan in world.plans)


def test_rushes_one_after_the_other_take_no_more_than_the_budget() -> None:
    world = World([one for one in steady(1500, 90) if one.asked % 12 > 10])
    world.run(90)
    assert world.most_spent(30.0) <= 0.05 * 30


def test_detail_goes_before_packets() -> None:
    world = World(growing(40))
    world.run(40)
    detail = next(at for at, plan in world.plans if plan.every == EVERY)
    assert detail < next(at for at, plan in world.plans if plan.picks)
    assert all(plan.aperture is Aperture.OPEN for _, plan in world.plans)


def test_detail_goes_before_time_and_time_before_flows_where_packets_cannot_be_chosen() -> None:
    world = World(growing(50), cost=COSTLY, picks=False)
    world.run(50)
    first = {
        "detail": next(at for at, plan in world.plans if plan.every == EVERY),
        "time": next(at for at, plan in world.plans if plan.aperture is Aperture.SHUT),
        "flows": next(at for at, plan in world.plans if plan.flows > 1),
    }
    assert sorted(first, key=lambda name: first[name]) == ["detail", "time", "flows"]
    assert len(set(first.values())) == 3


def test_without_a_choice_of_flows_all_are_looked_at() -> None:
    governor = Governor(0.05, 0.0, Spent(), random.Random(1).random, chooses_flows=False)
    spent = 0.0
    for step in range(4000):
        plan = governor.step(step / 100, Spent(spent))
        spent += 0.01 if plan.aperture is Aperture.OPEN and spent < plan.seconds + spent else 0.0
        governor.opened(step / 100, 0.0)
        assert plan.flows == 1


def test_everything_is_looked_at_again_once_the_load_has_gone() -> None:
    world = World([*steady(750, 20), *(one for one in steady(10, 100) if one.asked > 20)])
    governor = world.run(100)
    assert world.plans[-1][1].whole
    assert world.plans[-1][1].every == 1
    assert governor.shed().ratio == pytest.approx(1, abs=0.02)


def test_what_the_rest_of_the_process_takes_is_taken_from_the_capture() -> None:
    alone, beside = World(steady(500, 40)), World(steady(500, 40), rest=0.02)
    alone.run(40)
    beside.run(40)
    assert beside.most_spent(30.0) <= 0.03 * 30 * 1.05
    assert 0.3 < beside.spent / alone.spent < 0.7


def test_a_rest_beyond_the_budget_does_not_blind_the_capture() -> None:
    world = World(steady(500, 40), rest=0.5)
    world.run(40)
    assert 0.004 < world.spent / 40 < 0.05


def test_what_was_not_looked_at_is_told_in_seconds_by_its_reason() -> None:
    shed = (world := World(steady(8000, 30), cost=COSTLY, picks=False)).run(30).shed()
    assert shed.time > 25
    assert 0 < shed.flows <= 30 - shed.time + 0.01
    assert 0 < shed.operations <= 30 - shed.time + 0.01
    assert shed.ratio < 0.05
    assert world.counted.requests > 0


def test_a_strained_ring_ends_looking_at_the_whole() -> None:
    governor = Governor(1.0, 0.0, Spent(), random.Random(1).random)
    assert governor.step(1.0, Spent()).whole
    assert not governor.step(1.1, Spent(), strained=True).whole


def test_a_span_that_begins_too_late_stands_for_what_it_lacks() -> None:
    governor = Governor(1.0, 0.0, Spent(), random.Random(1).random)
    plan = governor.step(0.0, Spent(), strained=True)
    opens = plan.opens
    governor.step(opens, Spent())
    [on_time] = Governor.opened(_strained(1), opens, opens)
    late = on_time.start + on_time.length / 4
    [shortened] = Governor.opened(_strained(1), opens, late)
    assert shortened.length == pytest.approx(on_time.length * 3 / 4)
    assert shortened.length * shortened.weight == pytest.approx(on_time.length * on_time.weight)


def _strained(seed: int) -> Governor:
    governor = Governor(1.0, 0.0, Spent(), random.Random(seed).random)
    governor.step(0.0, Spent(), strained=True)
    return governor


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="budget"):
        Governor(0.0, 0.0, Spent(), random.random)
