import random

import pytest

from exporter.model import Operation
from exporter.protocols.base import Family
from exporter.services.account import Account
from exporter.services.counters import Side
from exporter.services.operations import Operations
from exporter.services.sampling import Sampling
from tests.exporter.services.exchanges import MILLISECOND, exchange, flow, response_only, unanswered


def account(sampling: Sampling) -> Account:
    return Account(flow(), "http", 0.0, Side(Operations(Family.HTTP, 20)), sampling, lambda _account: None)


def counted(one: Account) -> Side:
    assert one.held is not None
    return one.held


def test_an_exchange_stands_for_as_many_as_the_weight_says_in_every_count() -> None:
    sampling = Sampling()
    sampling.keep(2.5, 1)
    one = account(sampling)
    one.record(exchange(milliseconds=3))
    one.record(exchange(milliseconds=3, status="500", failed=True))
    side = counted(one)
    assert (side.requests, side.errors, side.request_bytes, side.response_bytes) == (5, 2.5, 500, 5000)
    assert (side.duration_sum, sum(side.durations)) == (15 * MILLISECOND, 5)
    assert side.operations.counts == {Operation("GET"): {"2xx": 2.5, "5xx": 2.5}}


def test_weights_change_from_one_exchange_to_the_next_and_counts_only_grow() -> None:
    sampling = Sampling()
    one = account(sampling)
    seen = []
    for weight in (1.0, 20.0, 3.0, 1.0):
        sampling.keep(weight, 1)
        one.record(exchange())
        seen.append(counted(one).requests)
    assert seen == [1, 21, 24, 25]


def test_an_answer_whose_request_passed_unseen_is_no_request_while_sampling() -> None:
    sampling = Sampling()
    sampling.keep(10.0, 1)
    one = account(sampling)
    one.record(unanswered())
    one.record(response_only())
    side = counted(one)
    assert (side.requests, side.errors) == (10, 10)
    assert side.operations.counts == {Operation("GET"): {"none": 10}}


def test_a_one_sided_capture_counts_answers_while_sampling_too() -> None:
    sampling = Sampling()
    sampling.keep(10.0, 1)
    one = account(sampling)
    one.record(response_only())
    assert counted(one).requests == 10


def test_operations_of_a_few_stand_for_all_in_the_long_run() -> None:
    dice = random.Random(7)
    sampling = Sampling(lambda most: dice.randint(1, most))
    sampling.keep(1.0, 8)
    one = account(sampling)
    for _ in range(20_000):
        one.record(exchange())
    side = counted(one)
    assert side.requests == 20_000
    told = side.operations.counts[Operation("GET")]["2xx"]
    assert told == pytest.approx(20_000, rel=0.05)


@pytest.mark.parametrize(("weight", "every"), [(0.5, 1), (1.0, 0), (2.0, 8)])
def test_what_cannot_be_is_refused(weight: float, every: int) -> None:
    with pytest.raises(ValueError, match="stand for"):
        Sampling().keep(weight, every)
