"""Flows that are paired by turns without their consumers, and the consumers that fail."""

import pytest

from exporter.model import Flow
from exporter.net.engine import Engine
from exporter.net.stream import TURN_WORDS, End, turns
from tests.exporter.net.packets import ACK, CLIENT, FIN, SERVER, SYN, tcp

MILLISECOND = 1_000_000
START = 10**18


class Paired:
    """A consumer that asks for turns with its first bytes; a sink that keeps them."""

    def __init__(self, swapped: bool = False) -> None:
        self.swapped = swapped
        self.rows: list[tuple[int, ...]] = []
        self.deliveries = 0
        self.ended: End | None = None
        self.engine = Engine(lambda _flow, _at: self, turns=self.sink)
        self.now = START

    def data(self, direction: int, payload: bytes, at: int) -> int:
        self.deliveries += 1
        return turns(77, self.swapped)

    def gap(self, direction: int, size_bytes: int, at: int) -> int:
        return 0

    def end(self, reason: End, at: int) -> None:
        self.ended = reason

    def sink(self, rows: memoryview) -> None:
        words = rows.tolist()
        self.rows += [tuple(words[at : at + TURN_WORDS]) for at in range(0, len(words), TURN_WORDS)]

    def send(self, frame: bytes, captured: int | None = None) -> None:
        self.now += MILLISECOND
        self.engine.frame(frame[:captured], 1, len(frame), self.now)

    def ask(self, at: int, payload: bytes, ack: int = 1, captured: int | None = None) -> None:
        self.send(tcp(CLIENT, SERVER, at, payload, ack=ack), captured)

    def answer(self, at: int, payload: bytes, ack: int) -> None:
        self.send(tcp(SERVER, CLIENT, at, payload, ack=ack))

    def turns(self) -> list[tuple[int, ...]]:
        """Return the turns so far: token, milliseconds of request and response since the start, bytes of both."""
        self.engine.flush()
        return [
            (
                *(row[0], (row[1] - START) // MILLISECOND, (row[2] - START) // MILLISECOND if row[2] else -1),
                *(row[3] & 0xFFFFFFFF, row[3] >> 32),
            )
            for row in self.rows
        ]


def test_a_turn_is_a_burst_of_each_side_with_its_times_and_bytes() -> None:
    paired = Paired()
    paired.ask(1, b"ab")
    paired.ask(3, b"c")
    paired.answer(1, b"12345", 4)
    paired.answer(6, b"6", 4)
    paired.ask(4, b"d", 7)
    paired.answer(7, b"7", 5)
    paired.send(tcp(CLIENT, SERVER, 5, flags=ACK | FIN, ack=8))
    paired.send(tcp(SERVER, CLIENT, 8, flags=ACK | FIN, ack=6))
    assert paired.turns() == [(77, 1, 4, 3, 6), (77, 5, 6, 1, 1)]
    assert paired.deliveries == 1
    assert paired.ended is End.CLOSED
    assert paired.engine.counters().turns == 2


def test_repeated_and_disordered_segments_change_no_turn() -> None:
    paired = Paired()
    paired.ask(1, b"ab")
    paired.answer(3, b"34", 3)
    paired.ask(1, b"ab")
    paired.answer(1, b"12", 3)
    paired.ask(3, b"c", 5)
    paired.answer(5, b"5", 4)
    paired.engine.close(paired.now)
    assert [turn[3:] for turn in paired.turns()] == [(2, 4), (1, 1)]


def test_the_sides_may_be_the_other_way_round() -> None:
    paired = Paired(swapped=True)
    paired.answer(1, b"ask", 1)
    paired.ask(1, b"answer", 4)
    paired.engine.close(paired.now)
    assert paired.turns() == [(77, 1, 2, 3, 6)]


def test_what_was_not_copied_belongs_to_the_turn() -> None:
    paired = Paired()
    paired.ask(1, b"x" * 100, captured=70)
    paired.answer(1, b"y", 101)
    paired.ask(101, b"x" * 100, 2, captured=54)
    paired.answer(2, b"z", 201)
    paired.engine.close(paired.now)
    assert [turn[3:] for turn in paired.turns()] == [(100, 1), (100, 1)]


def test_after_a_loss_a_turn_counts_but_has_no_time() -> None:
    paired = Paired()
    paired.ask(1, b"ab")
    paired.answer(1, b"12", 3)
    paired.ask(53, b"c", 103)
    paired.engine.lost()
    paired.answer(103, b"3", 54)
    paired.engine.close(paired.now)
    found = paired.turns()
    assert found[0] == (77, 1, -1, 2, 2)
    assert all(told < 0 or asked >= 3 for _, asked, told, _, _ in found)


def test_an_answer_after_a_long_silence_is_none() -> None:
    paired = Paired()
    paired.ask(1, b"ab")
    paired.answer(1, b"12", 3)
    paired.now += 6_000 * MILLISECOND
    paired.answer(3, b"news", 3)
    paired.engine.close(paired.now)
    assert [turn[3:] for turn in paired.turns()] == [(2, 2)]


def test_more_turns_than_the_buffer_holds_all_come() -> None:
    paired = Paired()
    for number in range(5000):
        paired.ask(1 + number, b"?", 1 + number)
        paired.answer(1 + number, b"!", 2 + number)
    paired.engine.close(paired.now)
    assert len(paired.turns()) == 5000


class Failing:
    """A consumer that raises at its third call."""

    def __init__(self) -> None:
        self.calls = 0

    def data(self, direction: int, payload: bytes, at: int) -> int:
        self.calls += 1
        if self.calls == 3:
            raise KeyError(payload)
        return 0

    def gap(self, direction: int, size_bytes: int, at: int) -> int:
        raise AssertionError

    def end(self, reason: End, at: int) -> None:
        raise AssertionError


def test_a_consumer_that_fails_loses_its_own_flow_only() -> None:
    consumers: dict[int, Failing] = {}

    def opener(flow: Flow, at: int) -> Failing:
        return consumers.setdefault(flow.client.port, Failing())

    engine = Engine(opener)
    for number in range(5):
        for port in (40000, 40001):
            if port == 40000 or number < 2:
                engine.frame(tcp((CLIENT[0], port), SERVER, 1 + number, b"secret"[number : number + 1]), 1, 55, START)
    assert [consumers[port].calls for port in (40000, 40001)] == [3, 2]
    counters = engine.counters()
    assert counters.consumers_failed == 1
    assert counters.last_failure.startswith("KeyError at ")
    assert "secret"[2] + "'" not in counters.last_failure


def test_an_opener_that_fails_is_not_asked_again() -> None:
    asked = []

    def opener(flow: Flow, at: int) -> None:
        asked.append(flow)
        raise ValueError("no")

    engine = Engine(opener)
    for number in range(5):
        engine.frame(tcp(CLIENT, SERVER, 1 + number, b"x"), 1, 55, START)
    assert len(asked) == 1
    assert engine.counters().consumers_failed == 1


def test_a_sink_that_fails_stops_nothing() -> None:
    def sink(_rows: memoryview) -> None:
        raise RuntimeError

    paired = Paired()
    engine = Engine(lambda _flow, _at: paired, turns=sink)
    engine.frame(tcp(CLIENT, SERVER, 1, b"x"), 1, 55, START)
    engine.frame(tcp(SERVER, CLIENT, 1, b"x", ack=2), 1, 55, START)
    engine.close(START)
    assert engine.counters().consumers_failed == 1


@pytest.mark.parametrize("token", [0, 1, (1 << 61) - 1])
def test_any_token_comes_back(token: int) -> None:
    rows: list[int] = []

    class Asking(Failing):
        def data(self, direction: int, payload: bytes, at: int) -> int:
            return turns(token)

        def end(self, reason: End, at: int) -> None:
            pass

    engine = Engine(lambda _flow, _at: Asking(), turns=lambda view: rows.extend(view.tolist()))
    engine.frame(tcp(CLIENT, SERVER, 0, flags=SYN), 1, 54, START)
    engine.frame(tcp(CLIENT, SERVER, 1, b"x"), 1, 55, START)
    engine.frame(tcp(SERVER, CLIENT, 1, b"x", ack=2), 1, 55, START)
    engine.close(START)
    assert rows[0] == token
