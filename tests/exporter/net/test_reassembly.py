"""Whatever the order, the cuts and the copies of segments, the bytes come out as they were sent."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.engine import Engine
from exporter.net.stream import End
from tests.exporter.net.packets import ACK, CLIENT, FIN, SERVER, SYN, Opened, tcp

MILLISECOND = 1_000_000
TEXT = bytes(range(256)) * 2


class Wire:
    """An engine that is sent frames at given times."""

    def __init__(self, opened: Opened | None = None, **settings: Any) -> None:
        self.opened = opened or Opened()
        self.engine = Engine(self.opened, **settings)
        self.now = 10**18

    def send(self, frame: bytes, after: int = 10_000) -> None:
        self.now += after
        self.engine.frame(frame, 1, len(frame), self.now)

    def open(self, first: int = 0, second: int = 0) -> None:
        self.send(tcp(CLIENT, SERVER, first, flags=SYN))
        self.send(tcp(SERVER, CLIENT, second, flags=SYN | ACK, ack=first + 1))

    def ask(self, at: int, payload: bytes, ack: int = 1, after: int = 10_000) -> None:
        self.send(tcp(CLIENT, SERVER, 1 + at, payload, ack=ack), after)

    def answer(self, at: int, payload: bytes, ack: int, after: int = 10_000) -> None:
        self.send(tcp(SERVER, CLIENT, 1 + at, payload, ack=ack), after)


@given(
    cuts=st.sets(st.integers(1, len(TEXT) - 1), max_size=30),
    copies=st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 100)), max_size=10),
    start=st.sampled_from([0, 2**31 - 100, 2**32 - 200]),
    order=st.randoms(use_true_random=False),
)
def test_any_cut_order_and_copy_gives_the_same_bytes(
    cuts: set[int], copies: list[tuple[int, int]], start: int, order: random.Random
) -> None:
    wire = Wire()
    wire.open(first=start)
    pieces = [*pairwise([0, *sorted(cuts), len(TEXT)]), *((at, min(len(TEXT), at + size)) for at, size in copies)]
    order.shuffle(pieces)
    for first, last in pieces:
        wire.send(tcp(CLIENT, SERVER, start + 1 + first, TEXT[first:last], ack=1))
    wire.send(tcp(CLIENT, SERVER, start + 1 + len(TEXT), flags=FIN | ACK, ack=1))
    wire.send(tcp(SERVER, CLIENT, 1, flags=FIN | ACK, ack=start + 2 + len(TEXT)))
    assert wire.opened.only.bytes(0) == TEXT
    assert wire.opened.only.ended is End.CLOSED
    assert wire.engine.counters().held_bytes == 0


@given(
    turns=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=12),
    moves=st.lists(st.integers(0, 5), max_size=40),
)
def test_answers_never_come_before_their_requests(turns: list[tuple[int, int]], moves: list[int]) -> None:
    frames = []
    asked = answered = 0
    for request, response in turns:
        frames.append(tcp(CLIENT, SERVER, 1 + asked, b"q" * request, ack=1 + answered))
        asked += request
        frames.append(tcp(SERVER, CLIENT, 1 + answered, b"a" * response, ack=1 + asked))
        answered += response
    for place, move in enumerate(moves[: len(frames)]):
        other = min(len(frames) - 1, place + move)
        frames[place], frames[other] = frames[other], frames[place]
    wire = Wire()
    wire.open()
    for frame in frames:
        wire.send(frame)
    told = b"".join(call[2] for call in wire.opened.only.calls if isinstance(call[2], bytes))
    assert told == b"".join(b"q" * request + b"a" * response for request, response in turns)


@given(
    skips=st.dictionaries(st.tuples(st.just(0), st.integers(1, len(TEXT))), st.integers(0, 300), max_size=6),
    cuts=st.sets(st.integers(1, len(TEXT) - 1), max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_every_byte_is_told_once_whatever_is_skipped(
    skips: dict[tuple[int, int], int], cuts: set[int], order: random.Random
) -> None:
    wire = Wire(Opened(skips))
    wire.open()
    pieces = list(pairwise([0, *sorted(cuts), len(TEXT)]))
    order.shuffle(pieces)
    for first, last in pieces:
        wire.ask(first, TEXT[first:last])
    wire.engine.close(wire.now)
    told = wire.opened.only.bytes(0)
    assert len(told) == len(TEXT)
    assert all(seen in (b"?"[0], sent) for seen, sent in zip(told, TEXT, strict=True))


def test_the_first_copy_of_a_byte_wins() -> None:
    wire = Wire()
    wire.open()
    wire.ask(0, b"first")
    wire.ask(0, b"SECOND")
    wire.ask(10, b"held")
    wire.ask(8, b"XXXX")
    wire.ask(6, b"12ABCDEF")
    assert wire.opened.only.bytes(0) == b"firstD12XXld"[:5] + b"D" + b"12" + b"XX" + b"held"


def test_a_held_segment_keeps_its_own_time() -> None:
    wire = Wire()
    wire.open()
    wire.ask(3, b"two")
    held_at = wire.now
    wire.ask(0, b"one", after=50 * MILLISECOND)
    assert [call[2:] for call in wire.opened.only.calls] == [(b"one", wire.now), (b"two", held_at)]


def test_a_hole_that_tcp_may_still_fill_is_waited_for() -> None:
    wire = Wire()
    wire.open()
    wire.ask(3, b"two")
    wire.ask(6, b"three", after=1000 * MILLISECOND)
    assert wire.opened.consumers == []
    wire.ask(11, b"four", after=1500 * MILLISECOND)
    assert wire.opened.only.bytes(0) == b"???twothreefour"
    assert wire.engine.counters().gap_bytes == 3


def test_a_hole_that_the_receiver_does_not_know_is_given_up_soon() -> None:
    wire = Wire()
    wire.open()
    wire.ask(0, b"one")
    wire.answer(0, b"re", ack=4)
    wire.ask(6, b"three", ack=3)
    wire.answer(2, b"ply", ack=12)
    assert wire.opened.only.bytes(0) == b"one"
    wire.ask(11, b"four", ack=6, after=300 * MILLISECOND)
    assert wire.opened.only.bytes(0) == b"one???threefour"
    assert wire.opened.only.bytes(1) == b"reply"


def test_a_lost_request_is_a_gap_before_its_answer() -> None:
    wire = Wire()
    wire.open()
    wire.ask(0, b"one")
    wire.answer(0, b"1", ack=4)
    wire.answer(1, b"2", ack=7)
    wire.engine.expire(wire.now + 300 * MILLISECOND)
    kinds = [call[:3] for call in wire.opened.only.calls]
    assert kinds == [("data", 0, b"one"), ("data", 1, b"1"), ("gap", 0, 3), ("data", 1, b"2")]


def test_a_capture_of_one_side_waits_for_nothing() -> None:
    wire = Wire()
    for turn in range(10):
        wire.answer(turn * 5, b"reply", ack=1 + turn * 100)
    assert wire.opened.only.bytes(1) == b"reply" * 10
    assert wire.opened.only.bytes(0) == b""


def test_dropped_packets_end_all_waiting() -> None:
    wire = Wire()
    wire.open()
    wire.ask(3, b"two")
    wire.engine.lost()
    assert wire.opened.only.bytes(0) == b"???two"


def test_between_dropped_packets_nothing_is_waited_for() -> None:
    wire = Wire()
    wire.open()
    wire.engine.hurry(True)
    wire.ask(3, b"two")
    wire.answer(4, b"2", ack=10)
    assert [call[:3] for call in wire.opened.only.calls] == [
        ("gap", 0, 3),
        ("data", 0, b"two"),
        ("gap", 1, 4),
        ("gap", 0, 3),
        ("data", 1, b"2"),
    ]
    wire.engine.hurry(False)
    wire.ask(15, b"late")
    assert wire.opened.only.calls[-1][2] == b"2"


def test_several_segments_far_ahead_are_the_flow_after_a_gap() -> None:
    wire = Wire()
    wire.open()
    wire.ask(0, b"one")
    for place, payload in ((0, b"ab"), (2, b"cd"), (4, b"ef"), (6, b"gh")):
        wire.ask(2**31 + place, payload)
    assert [call[:3] for call in wire.opened.only.calls] == [
        ("data", 0, b"one"),
        ("gap", 0, 2**31 + 1),
        ("data", 0, b"ef"),
        ("data", 0, b"gh"),
    ]


@pytest.mark.parametrize("ahead", [5_000, 1 << 20, 1 << 26, 1 << 31, 2**32 - (1 << 21)])
def test_a_forged_segment_far_ahead_does_not_blind_a_flow(ahead: int) -> None:
    wire = Wire()
    wire.open()
    wire.ask(0, b"a")
    wire.ask(ahead, b"forged")
    text = bytes(97 + number % 26 for number in range(1, 400))
    for number in range(1, 400):
        wire.ask(number, text[number - 1 : number], after=20 * MILLISECOND)
    assert wire.opened.only.bytes(0) == b"a" + text
    assert wire.engine.counters().doubted


def test_a_flow_that_was_led_astray_comes_back() -> None:
    wire = Wire()
    wire.open()
    wire.ask(0, b"aa")
    wire.ask(10 << 20, b"forged")
    wire.ask((10 << 20) + 6, b"forged", after=3000 * MILLISECOND)
    for number in range(1, 6):
        wire.ask(2 * number, bytes([97 + number]) * 2)
    assert [call[2] for call in wire.opened.only.calls[-4:]] == [0, b"dd", b"ee", b"ff"]


def test_one_flow_cannot_hold_more_than_its_bytes() -> None:
    wire = Wire(buffer_bytes=80_000)
    wire.open()
    for number in range(1, 200):
        wire.ask(number * 2000, b"x" * 1000, after=10)
        assert wire.engine.counters().held_bytes <= 80_000 // 8 + 2000
    assert wire.opened.only.reached[0] > 300_000


def test_all_flows_together_hold_no_more_than_the_buffer() -> None:
    wire = Wire(buffer_bytes=100_000)
    for port in range(1024, 3000):
        wire.send(tcp(("10.0.0.1", port), SERVER, 1, b"x"), 10)
        wire.send(tcp(("10.0.0.1", port), SERVER, 500, b"y" * 500), 10)
        assert wire.engine.counters().held_bytes <= 101_000


def test_an_endless_series_of_small_segments_is_bounded() -> None:
    wire = Wire()
    wire.open()
    for number in range(5000):
        wire.ask(2 + number * 2, b"x", after=10)
    assert wire.engine.counters().held_bytes <= 1100 * 300


@given(
    frames=st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([0, 1, 2, 50, 2**30 - 1, 2**30 + 1, 2**31, 2**32 - 1, 2**32 - 60]),
            st.integers(0, 60),
            st.sampled_from([0, 1, 2, 4, 16, 17, 18, 20, 25]),
            st.sampled_from([0, 1, 40, 2**30 + 5, 2**32 - 1]),
            st.integers(0, 10**10),
        ),
        max_size=40,
    )
)
def test_hostile_segments_never_raise(frames: list[tuple[bool, int, int, int, int, int]]) -> None:
    wire = Wire(buffer_bytes=5000, max_flows=4)
    for forward, sequence, size, flags, ack, after in frames:
        sides = (CLIENT, SERVER) if forward else (SERVER, CLIENT)
        wire.send(tcp(*sides, sequence, b"x" * size, flags=flags, ack=ack), after)
    wire.engine.close(wire.now)
    assert wire.engine.counters().held_bytes == 0
    assert all(consumer.ended is not None for consumer in wire.opened.consumers)
