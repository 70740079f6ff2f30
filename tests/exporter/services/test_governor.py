"""The governor against simulated loads: what it spends, and whether the weights add up."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from exporter.services.governor import EVERY, Governor, Plan, Spent

TICK = 0.005
STEP_SECONDS = 100e-6  # of processor time, for each look at the rings


@dataclass
class World:
    """A load, and an edge that does what the governor says.

    Attributes:
        exchanges: seconds -> exchanges a second.
        cost: seconds of processor time that one takes.
        seen: the sum of weights; `passed` what it estimates.
        spent_at: processor time spent so far, by tick.
    """

    exchanges: Callable[[float], float]
    cost: float = 5e-6
    budget: float = 0.05
    rest: float = 0.0
    now: float = 0.0
    spent: float = 0.0
    waiting: float = 0.0
    seen: float = 0.0
    passed: float = 0.0
    spent_at: list[float] = field(default_factory=lambda: [0.0])
    plans: list[Plan] = field(default_factory=list)

    def run(self, seconds: float, seed: int = 1) -> Governor:
        governor = Governor(self.budget, self.now, Spent(), random.Random(seed).random)
        end = self.now + seconds
        while self.now < end:
            plan = governor.step(self.now, Spent(self.spent, self.rest * self.now))
            self.spent += STEP_SECONDS
            steps = max(1, round((min(plan.until - self.now, 0.05)) / TICK))
            for _ in range(steps):
                self.tick(plan)
                plan = replace(plan, seconds=max(0.0, plan.seconds - self.spent + self.spent_at[-2]))
        return governor

    def tick(self, plan: Plan) -> None:
        self.plans.append(plan)
        arrived = self.exchanges(self.now) * TICK
        self.passed += arrived
        if plan.open:
            self.waiting += arrived / plan.flows
        read = min(self.waiting, plan.seconds / self.cost)
        self.waiting -= read
        self.seen += read * plan.weight
        self.spent += read * self.cost
        self.spent_at.append(self.spent)
        self.now += TICK

    def most_spent(self, window_seconds: float) -> float:
        span = round(window_seconds / TICK)
        return max(after - before for before, after in zip(self.spent_at, self.spent_at[span:], strict=False))


def steady(rate: float) -> Callable[[float], float]:
    return lambda _now: rate


def test_what_the_budget_bears_is_looked_at_whole() -> None:
    world = World(steady(7_000))
    governor = world.run(60)
    assert world.seen == pytest.approx(world.passed, rel=1e-3)
    assert {plan.weight for plan in world.plans} == {1.0}
    assert governor.shed().ratio == 1.0


@pytest.mark.parametrize("rate", [12_000, 50_000, 200_000, 1_000_000, 20_000_000])
def test_no_window_takes_more_than_the_budget_at_any_load(rate: float) -> None:
    world = World(steady(rate))
    world.run(120)
    assert world.most_spent(30.0) <= 0.05 * 30
    assert world.spent / world.now > 0.02


@pytest.mark.parametrize("rate", [12_000, 50_000, 200_000, 1_000_000])
def test_weights_stand_for_what_passed(rate: float) -> None:
    world = World(steady(rate))
    world.run(120)
    assert world.seen == pytest.approx(world.passed, rel=0.02)


def test_loads_that_come_and_go_by_the_second_are_counted_without_bias() -> None:
    ratios = []
    for seed in range(20):
        world = World(lambda now: 150_000 if int(now * 3) % 2 else 1_000)
        world.run(60, seed)
        assert world.most_spent(30.0) <= 0.05 * 30
        ratios.append(world.seen / world.passed)
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.04)


def test_a_load_in_step_with_itself_does_not_fall_in_step_with_the_slices() -> None:
    """A burst of 10 ms ten times a second is seen as often as it comes."""
    ratios = []
    for seed in range(10):
        world = World(lambda now: 500_000 if now * 10 % 1 < 0.1 else 10_000)
        world.run(60, seed)
        ratios.append(world.seen / world.passed)
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.05)


def test_detail_goes_before_time_and_time_before_flows() -> None:
    world = World(lambda now: 15_000 * 1.1 ** max(0, now - 10))
    world.run(70)
    first = {
        "detail": next(place for place, plan in enumerate(world.plans) if plan.every == EVERY),
        "time": next(place for place, plan in enumerate(world.plans) if not plan.open),
        "flows": next(place for place, plan in enumerate(world.plans) if plan.flows > 1),
    }
    assert sorted(first, key=lambda name: first[name]) == ["detail", "time", "flows"]
    assert len(set(first.values())) == 3


def test_everything_is_looked_at_again_once_the_load_has_gone() -> None:
    world = World(lambda now: 300_000 if now < 30 else 2_000)
    governor = world.run(120)
    assert world.plans[-1].weight == 1.0
    assert world.plans[-1].every == 1
    assert governor.shed().ratio == pytest.approx(1, abs=0.01)
    assert world.seen == pytest.approx(world.passed, rel=0.03)


def test_what_the_rest_of_the_process_takes_is_taken_from_the_capture() -> None:
    alone, beside = World(steady(200_000)), World(steady(200_000), rest=0.02)
    alone.run(90)
    beside.run(90)
    assert beside.most_spent(30.0) <= 0.03 * 30 * 1.05
    assert 0.3 < beside.spent / alone.spent < 0.7


def test_a_rest_beyond_the_budget_does_not_blind_the_capture() -> None:
    world = World(steady(200_000), rest=0.5)
    world.run(90)
    assert 0.008 < world.spent / world.now < 0.05


def test_what_was_not_looked_at_is_told_in_seconds_by_its_reason() -> None:
    world = World(steady(2_000_000))
    shed = world.run(60).shed()
    assert shed.time > 50
    assert 0 < shed.flows <= 60 - shed.time + 0.01
    assert 0 < shed.operations <= 60 - shed.time + 0.01
    assert shed.ratio < 0.02


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="budget"):
        Governor(0.0, 0.0, Spent(), random.random)
