"""What lengths tell of the answers that fill a packet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.sums import MOST_HIDDEN, MOST_LENGTHS, Outcome, Sums

OK, LOST, BROKEN = ("200", False), ("404", True), ("500", True)


def known(*lengths: tuple[int, Outcome]) -> Sums:
    sums = Sums()
    for size, outcome in lengths:
        sums.learn(size, outcome)
    return sums


@pytest.mark.parametrize(
    ("size_bytes", "first", "behind"),
    [
        (149, OK, []),
        (319, BROKEN, [(149, OK)]),
        (507, OK, [(358, OK)]),
        (985, OK, [(170, BROKEN), (308, LOST), (358, OK)]),
        (627, LOST, [(149, OK), (170, BROKEN)]),
        (319, LOST, []),  # no answer of that status is short enough
        (400, OK, []),
    ],
)
def test_one_way_to_fill_a_packet_tells_what_is_in_it(
    size_bytes: int, first: Outcome, behind: list[tuple[int, Outcome]]
) -> None:
    sums = known((149, OK), (358, OK), (308, LOST), (170, BROKEN))
    assert sorted(sums.behind(size_bytes, first)) == behind


def test_two_ways_tell_nothing() -> None:
    sums = known((100, OK), (150, LOST), (120, LOST), (130, OK))
    assert sums.behind(250, OK) == ()
    assert sums.behind(250, OK) == ()


def test_what_no_lengths_fill_is_an_answer_of_its_own() -> None:
    sums = known((100, OK))
    assert sums.behind(170, OK) == ()
    assert list(sums.behind(270, OK)) in ([(100, OK)], [(170, OK)])


SIZES = st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([OK, LOST, BROKEN])), max_size=40)


@given(SIZES, st.integers(0, 1 << 40))
def test_what_is_told_fills_the_packet_and_no_more(lengths: list[tuple[int, Outcome]], size_bytes: int) -> None:
    sums = known(*lengths)
    behind = sums.behind(size_bytes, OK)
    assert len(behind) <= MOST_HIDDEN
    assert not behind or sum(size for size, _ in behind) <= size_bytes
    assert len(sums._outcomes) <= MOST_LENGTHS
