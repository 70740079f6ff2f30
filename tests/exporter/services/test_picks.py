"""What is picked of what was captured stands for all of it."""

import random
import statistics

import pytest

from exporter.services.picks import Block, Extent, Picks
from exporter.services.sampling import FOREVER, Window

MILLISECOND = 1_000_000
COST = 1e-6  # seconds of processor time for a packet
EACH = 1000  # packets in a block


def picks(seed: int = 1) -> Picks:
    made = Picks(random.Random(seed).random)
    made.learn(10 * EACH, 10 * EACH * COST)
    made.begin(0)
    return made


def blocks(count: int, begins: int = 0, packets: int = EACH) -> tuple[Block, ...]:
    """Return blocks of ten milliseconds, in which packets are evenly far apart."""
    found = []
    for number in range(count):
        since = (begins + 10 * number) * MILLISECOND
        moments = range(since, since + 10 * MILLISECOND, 10 * MILLISECOND // packets)
        found.append(Block(since, since + 10 * MILLISECOND - 1, packets, moments.__getitem__))
    return tuple(found)


def stood_for(windows: tuple[Window, ...], every: int = 10 * MILLISECOND // EACH) -> float:
    """Return for how many packets windows stand by their weights."""
    return sum(window.weight * ((window.end - window.start) // every) for window in windows)


def test_what_can_be_borne_is_read_whole() -> None:
    [window] = picks().choose(blocks(5), 1.0, 0, crowded=False)
    assert (window.start, window.end, window.weight, window.cycle) == (0, 50 * MILLISECOND, 1.0, 0)


@pytest.mark.parametrize("seconds", [1.1e-3, 3.5e-3])
def test_what_is_picked_stands_for_as_many_packets_as_passed(seconds: float) -> None:
    windows = picks().choose(blocks(12), seconds, 0, crowded=True)
    assert len(windows) == int(seconds * 1000)
    assert stood_for(windows) == pytest.approx(12 * EACH, rel=0.002)


def test_a_piece_of_a_block_is_picked_where_a_block_is_too_much() -> None:
    [window] = picks().choose(blocks(12), 0.25e-3, 0, crowded=True)
    assert window.end - window.start == pytest.approx(2.5 * MILLISECOND, rel=0.01)
    assert stood_for((window,)) == pytest.approx(12 * EACH, rel=0.002)


def test_too_little_waits_for_more_while_there_is_room() -> None:
    made = picks()
    assert made.choose(blocks(2), 0.1e-3, 20 * MILLISECOND, crowded=False) == ()
    assert made.decided == 0
    assert made.choose(blocks(2), 2.1e-3, 40 * MILLISECOND, crowded=False) != ()


def test_what_is_passed_over_the_next_pick_stands_for() -> None:
    made, stood, passed, picked = picks(), 0.0, 0, 0
    for number in range(200):
        many = 2 + number % 7
        windows = made.choose(blocks(many, 10 * passed // EACH), -0.02e-3, 0, crowded=True)
        picked += len(windows)
        stood += stood_for(windows)
        passed += many * EACH
    assert picked == 50
    assert stood == pytest.approx(passed, rel=0.01)
    assert made.error_ratio(made.decided) >= abs(stood - passed) / passed - 0.01


def test_the_end_of_a_rush_is_not_passed_over() -> None:
    made = picks()
    assert made.choose(blocks(4), -0.02e-3, 0, crowded=True) == ()
    assert stood_for(made.choose(blocks(1, 40), -0.02e-3, 1000 * MILLISECOND, crowded=False)) == pytest.approx(5 * EACH)


def test_what_is_still_to_be_read_of_earlier_picks_is_spent_already() -> None:
    made = picks()
    assert len(made.choose(blocks(8), 4.1e-3, 0, crowded=True)) == 4
    assert len(made.choose(blocks(8, 80), 4.1e-3, 0, crowded=True)) == 1
    made.caught_up()
    assert len(made.choose(blocks(8, 160), 4.1e-3, 0, crowded=True)) == 4


def test_no_kind_of_traffic_is_counted_too_often_or_too_seldom() -> None:
    """Small blocks hold other traffic than large ones; each is counted rightly in the mean."""
    found = []
    for seed in range(400):
        made, small = picks(seed), 0.0
        mixed = [*blocks(1, 0, 100), *blocks(1, 10, 1000), *blocks(1, 20, 100), *blocks(2, 30, 1000)]
        for window in made.choose(mixed, 1.5e-3, 0, crowded=True):
            block = next(one for one in mixed if one.begins <= window.start <= one.ends)
            small += window.weight * 100 if block.packets == 100 else 0.0
        found.append(small)
    error = statistics.stdev(found) / len(found) ** 0.5
    assert abs(statistics.mean(found) - 200) < 3 * error


def test_dropped_packets_are_stood_for_by_what_is_picked() -> None:
    made = picks()
    made.dropped(3000)
    assert stood_for(made.choose(blocks(9), 1.1e-3, 0, crowded=True)) == pytest.approx(12_000, rel=0.002)


def test_many_dropped_packets_are_stood_for_where_all_that_is_left_can_be_read() -> None:
    made = picks()
    made.dropped(12_000)
    assert stood_for(made.choose(blocks(3), 1.0, 0, crowded=True)) == pytest.approx(15_000, rel=0.002)


def test_only_what_was_picked_is_read_and_a_little_around_it() -> None:
    made, many = picks(), blocks(8)
    [window] = made.choose(many, 1.1e-3, 0, crowded=True)
    later = made.decided + 1000 * MILLISECOND
    read = {number: made.parts(block, later) for number, block in enumerate(many)}
    [picked] = [number for number, block in enumerate(many) if block.begins <= window.start <= block.ends]
    assert all(not parts for number, parts in read.items() if abs(number - picked) > 1)
    [extent] = read[picked] or ()
    assert extent.since < window.start < window.end < extent.until


def test_nothing_is_released_before_it_is_decided() -> None:
    made, [first, second] = picks(), blocks(2)
    made.choose((first,), 1.0, 0, crowded=False)
    assert made.parts(second, second.ends) is None
    assert made.parts(first, first.ends) is None  # something behind it may be picked, and wants what is before it
    assert made.parts(first, first.ends + 200 * MILLISECOND) == (Extent(0, first.ends + 1),)


def test_everything_is_read_again_after_the_end() -> None:
    made = picks()
    made.choose(blocks(8), 1.1e-3, 0, crowded=True)
    window = made.end()
    assert (window.start, window.end, window.weight) == (made.decided, FOREVER, 1.0)
    [late] = blocks(1, 500)
    [extent] = made.parts(late, late.begins) or ()
    assert extent.until == FOREVER


def test_nothing_is_stated_to_be_off_without_a_pick() -> None:
    made = picks()
    made.choose(blocks(8), 1.0, 0, crowded=False)
    assert made.error_ratio(made.decided) == 0.0
