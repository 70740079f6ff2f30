import pytest

from exporter.model import Exchange, Kind, Message, Operation
from exporter.protocols.base import Family
from exporter.services.account import Account
from exporter.services.counters import Side
from exporter.services.operations import Operations
from exporter.services.sampling import FOREVER, Sampling, Window
from tests.exporter.services.exchanges import MILLISECOND, exchange, flow, response_only, unanswered

TAIL = 8 * MILLISECOND


def window(start: int, end: int, weight: float, number: int = 1) -> Window:
    """A window in milliseconds, in a cycle from 0 to 1,000 of which number 2 is the next."""
    cycle_end = number * 1000 * MILLISECOND
    looked = (end - start) * MILLISECOND
    return Window(start * MILLISECOND, end * MILLISECOND, weight, number, cycle_end, 1000 * MILLISECOND, looked, TAIL)


def asked(start: float, end: float, failed: bool = False) -> Exchange:
    """An exchange in milliseconds."""
    first, last = round(start * MILLISECOND), round(end * MILLISECOND)
    return Exchange(
        Message(Kind.REQUEST, first, first, 100, Operation("GET")),
        Message(Kind.RESPONSE, last, last, 1000, status="200", failed=failed),
    )


def account(sampling: Sampling) -> Account:
    return Account(flow(), "http", 0.0, Side(Operations(Family.HTTP, 20)), sampling, lambda _account: None)


def counted(one: Account) -> Side:
    assert one.held is not None
    return one.held


def looking(*windows: Window) -> Sampling:
    sampling = Sampling()
    sampling.end(0)
    for each in windows:
        sampling.look(each)
    return sampling


def test_an_exchange_stands_for_as_many_as_the_weight_says_in_every_count() -> None:
    one = account(looking(window(0, 100, 2.5)))
    one.record(asked(10, 13))
    one.record(exchange(milliseconds=3, status="500", failed=True))
    side = counted(one)
    assert (side.requests, side.errors, side.request_bytes, side.response_bytes) == (5, 2.5, 500, 5000)
    assert (side.duration_sum, sum(side.durations)) == (15 * MILLISECOND, 5)
    assert side.operations.counts == {Operation("GET"): {"2xx": 2.5, "5xx": 2.5}}


def test_everything_counts_once_before_anything_is_left_out() -> None:
    sampling = Sampling()
    assert not sampling.samples
    assert sampling.weight(5) == 1.0


def test_a_half_counts_by_the_window_of_its_own_packet() -> None:
    sampling = looking(window(100, 200, 10.0))
    before = sampling.share(asked(95, 105), True)
    assert (before.requests, before.responses, before.durations) == (0, 10, 0)
    after = sampling.share(asked(199, 205), True)
    assert (after.requests, after.responses, after.durations) == (10, 0, 10)
    assert sampling.share(asked(201, 205), True).requests == 0


def test_what_was_asked_in_an_earlier_window_keeps_its_weight() -> None:
    sampling = looking(window(100, 200, 10.0), window(1500, 1600, 3.0, 2))
    share = sampling.share(asked(150, 1550), True)
    assert (share.requests, share.responses) == (10, 3)
    assert share.durations == 30  # both by chance


def test_long_exchanges_are_cut_more_often_and_stand_for_more() -> None:
    sampling = looking(window(0, 100, 10.0))
    assert sampling.share(asked(10, 68), True).durations == pytest.approx(10 * 100 / 50)
    assert sampling.share(asked(1, 107), True).durations == 0  # stood for by those that are answered in another cycle


def test_when_everything_is_looked_at_again_each_counts_once() -> None:
    sampling = looking(window(0, 100, 10.0), Window(1000 * MILLISECOND, FOREVER))
    share = sampling.share(asked(1500, 1600), True)
    assert (share.requests, share.responses, share.durations, share.operations) == (1, 1, 1, 1)


def test_what_was_captured_after_the_end_counts_nothing() -> None:
    sampling = Sampling()
    sampling.end(100 * MILLISECOND)
    assert sampling.samples
    assert sampling.weight(99 * MILLISECOND) == 1.0
    assert sampling.weight(101 * MILLISECOND) == 0.0


def test_a_cut_says_how_much_time_nothing_stands_for_any_more() -> None:
    sampling = looking(window(100, 200, 10.0))
    assert sampling.cut(150 * MILLISECOND) == 10.0 * 50 * MILLISECOND
    assert sampling.weight(160 * MILLISECOND) == 0.0


def test_windows_of_a_clock_that_was_put_back_replace_later_ones() -> None:
    sampling = looking(window(500, 600, 10.0), window(100, 200, 5.0))
    assert sampling.weight(150 * MILLISECOND) == 5.0
    assert sampling.weight(550 * MILLISECOND) == 0.0


def test_losses_make_all_stand_for_more() -> None:
    sampling = looking(window(0, 100, 10.0))
    sampling.keep(1.5, 1)
    assert sampling.share(asked(10, 11), True).requests == 15


def test_an_answer_whose_request_passed_unseen_is_no_request_while_sampling() -> None:
    one = account(looking(window(0, 100, 10.0)))
    one.record(unanswered())
    one.record(response_only())
    side = counted(one)
    assert (side.requests, side.errors) == (10, 10)
    assert side.operations.counts == {Operation("GET"): {"none": 10}}


def test_a_one_sided_capture_counts_answers_while_sampling_too() -> None:
    one = account(looking(window(0, 100, 10.0)))
    one.record(response_only())
    assert counted(one).requests == 10


def test_operations_of_a_few_stand_for_all_in_the_long_run() -> None:
    sampling = Sampling(seed=7)
    sampling.keep(1.0, 8)
    one = account(sampling)
    for _ in range(20_000):
        one.record(exchange())
    side = counted(one)
    assert side.requests == 20_000
    told = side.operations.counts[Operation("GET")]["2xx"]
    assert told == pytest.approx(20_000, rel=0.05)


@pytest.mark.parametrize(("loss", "every"), [(0.5, 1), (1.0, 0)])
def test_what_cannot_be_is_refused(loss: float, every: int) -> None:
    with pytest.raises(ValueError, match="stand for"):
        Sampling().keep(loss, every)
