"""What TCP itself says of connections: handshakes, failures, repetitions; resets that are believed and that are not."""

from dataclasses import dataclass, field

import pytest

from exporter.model import Flow
from exporter.net.engine import Engine
from exporter.net.stream import End, Failure
from tests.exporter.net.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, Opened, tcp

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND


@dataclass
class Watched:
    """An engine's watcher that writes down what it is told."""

    told: list[tuple[object, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.opened = Opened()
        self.engine = Engine(self.opened, watcher=self)
        self.now = 10**18

    def connected(self, flow: Flow, handshake: int, at: int) -> None:
        self.told.append(("connected", flow.server.port, handshake // MILLISECOND))

    def failed(self, flow: Flow, failure: Failure, at: int) -> None:
        self.told.append(("failed", flow.server.port, failure))

    def retransmitted(self, flow: Flow, direction: int, at: int) -> None:
        self.told.append(("retransmitted", flow.server.port, direction))

    def send(self, frame: bytes, after: int = MILLISECOND) -> None:
        self.now += after
        self.engine.frame(frame, 1, len(frame), self.now)

    def shake(self) -> None:
        self.send(tcp(CLIENT, SERVER, 1000, flags=SYN))
        self.send(tcp(SERVER, CLIENT, 5000, flags=SYN | ACK, ack=1001), 7 * MILLISECOND)


def test_a_connection_is_told_with_its_first_payload_once() -> None:
    watched = Watched()
    watched.shake()
    assert watched.told == []
    for number in range(3):
        watched.send(tcp(CLIENT, SERVER, 1001 + number, b"x", ack=5001))
    assert watched.told == [("connected", 8080, 7)]


def test_a_connection_without_payload_is_told_at_its_end() -> None:
    watched = Watched()
    watched.shake()
    watched.send(tcp(CLIENT, SERVER, 1001, flags=FIN | ACK, ack=5001))
    watched.send(tcp(SERVER, CLIENT, 5001, flags=FIN | ACK, ack=1002))
    assert watched.told == [("connected", 8080, 7)]


def test_a_refused_connection_is_a_failure() -> None:
    watched = Watched()
    watched.send(tcp(CLIENT, SERVER, 1000, flags=SYN))
    watched.send(tcp(SERVER, CLIENT, 0, flags=RST | ACK, ack=1001))
    assert watched.told == [("failed", 8080, Failure.REFUSED)]


def test_an_unanswered_connection_is_a_failure_once_patience_ends() -> None:
    watched = Watched()
    watched.send(tcp(CLIENT, SERVER, 1000, flags=SYN))
    watched.send(tcp(CLIENT, SERVER, 1000, flags=SYN), SECOND)
    watched.engine.expire(watched.now + 9 * SECOND)
    assert ("failed", 8080, Failure.UNANSWERED) not in watched.told
    watched.engine.expire(watched.now + 11 * SECOND)
    assert watched.told == [("retransmitted", 8080, 0), ("failed", 8080, Failure.UNANSWERED)]


def test_a_long_attempt_is_one_failure_told_early() -> None:
    watched = Watched()
    for pause in (0, 1, 2, 4, 8, 16, 32):  # as Linux repeats a SYN
        watched.engine.expire(watched.now + pause * SECOND)
        watched.send(tcp(CLIENT, SERVER, 1000, flags=SYN), pause * SECOND)
        failures = watched.told.count(("failed", 8080, Failure.UNANSWERED))
        assert failures == (watched.now - 10**18 > 10 * SECOND)
    watched.engine.expire(watched.now + 66 * SECOND)
    assert watched.told.count(("failed", 8080, Failure.UNANSWERED)) == 1
    assert watched.engine.counters().flows_active == 0


def test_what_may_have_been_answered_unseen_is_no_failure() -> None:
    for blind in ("lost", "resume"):
        watched = Watched()
        watched.send(tcp(CLIENT, SERVER, 1000, flags=SYN))
        if blind == "lost":
            watched.engine.lost()
        else:
            watched.engine.resume(watched.now + SECOND)
        watched.engine.expire(watched.now + 60 * SECOND)
        assert watched.told == []
        assert watched.engine.counters().flows_active == 0


def test_a_half_open_connection_is_nothing() -> None:
    watched = Watched()
    watched.shake()
    watched.engine.expire(watched.now + 60 * SECOND)
    assert watched.told == []
    assert watched.engine.counters().flows_active == 0


def test_what_is_sent_again_is_told_and_what_is_captured_twice_is_not() -> None:
    watched = Watched()
    watched.shake()
    frame = tcp(CLIENT, SERVER, 1001, b"ask", ack=5001)
    watched.send(frame)
    watched.send(frame, 5_000)
    assert watched.told == [("connected", 8080, 7)]
    watched.send(frame, 200 * MILLISECOND)
    assert watched.told[1:] == [("retransmitted", 8080, 0)]
    watched.send(tcp(CLIENT, SERVER, 1003, b"\0", ack=5001), SECOND)  # a keep-alive probe
    assert len(watched.told) == 2
    assert watched.engine.counters().retransmitted == 2


def recovery(watched: Watched, times: int) -> None:
    """Send what repairs the loss of three segments of ten: repetitions among new data, every packet so many times."""
    watched.shake()
    numbers = [*range(10), 3, 10, 5, 11, 7, 12]
    for number in numbers:
        for copy in range(times):
            after = 5_000 if copy else 20_000
            watched.send(tcp(CLIENT, SERVER, 1001 + 100 * number, bytes(100), ack=5001), after)


def test_a_recovery_faster_than_any_timeout_is_told() -> None:
    watched = Watched()
    recovery(watched, 1)
    assert watched.told.count(("retransmitted", 8080, 0)) == 3


def test_a_newest_segment_sent_again_at_an_acknowledgment_is_told_and_what_follows_too() -> None:
    watched = Watched()
    watched.shake()
    frames = [tcp(CLIENT, SERVER, 1001 + 100 * number, bytes(100), ack=5001) for number in range(4)]
    for frame in frames[:3]:
        watched.send(frame, 20_000)
    watched.send(tcp(SERVER, CLIENT, 5001, ack=1101), MILLISECOND)  # the second and the third are lost
    for frame in (frames[2], frames[1]):
        watched.send(frame, 20_000)
    watched.send(frames[3], MILLISECOND)
    watched.send(frames[1], 20_000)
    assert watched.told.count(("retransmitted", 8080, 0)) == 3


def test_what_is_captured_twice_is_told_once_at_most() -> None:
    watched = Watched()
    recovery(watched, 2)
    assert watched.told.count(("retransmitted", 8080, 0)) == 0  # nobody can tell them from copies
    watched.send(tcp(CLIENT, SERVER, 1001 + 100 * 12, bytes(100), ack=5001), 200 * MILLISECOND)
    watched.send(tcp(CLIENT, SERVER, 1001 + 100 * 12, bytes(100), ack=5001), 5_000)
    assert watched.told.count(("retransmitted", 8080, 0)) == 1


def test_what_another_interface_shows_later_is_a_copy() -> None:
    watched = Watched()
    watched.shake()
    frames = [tcp(CLIENT, SERVER, 1001 + number, b"x", ack=5001) for number in range(20)]
    begun = watched.now
    for ring in (0, 3_000):  # one ring is read after the other
        for number, frame in enumerate(frames):
            watched.now = begun + number * MILLISECOND + ring
            watched.send(frame, 0)
    assert ("retransmitted", 8080, 0) not in watched.told


def test_repetitions_that_hold_new_data_or_end_the_connection_are_told() -> None:
    watched = Watched()
    watched.shake()
    watched.send(tcp(CLIENT, SERVER, 1001, b"a", ack=5001))
    watched.send(tcp(CLIENT, SERVER, 1001, b"ab", ack=5001), 200 * MILLISECOND)
    watched.send(tcp(CLIENT, SERVER, 1003, flags=FIN | ACK, ack=5001))
    watched.send(tcp(CLIENT, SERVER, 1003, flags=FIN | ACK, ack=5001), 200 * MILLISECOND)
    assert watched.told.count(("retransmitted", 8080, 0)) == 2


def test_a_flood_of_unanswered_syns_is_told_in_small_parts() -> None:
    watched = Watched()
    for number in range(5000):
        watched.send(tcp((f"10.1.{number // 200}.{number % 200}", 999), SERVER, 1, flags=SYN), 1000)
    for second in range(60, 65):
        told = len(watched.told)
        watched.engine.expire(watched.now + second * SECOND)
        assert len(watched.told) - told == 1000
    assert watched.engine.counters().flows_active == 0


@pytest.mark.parametrize(("sequence", "believed"), [(1002, True), (1002 + 1000, True), (1002 + (1 << 22), False)])
def test_only_a_reset_near_the_expected_number_is_believed(sequence: int, believed: bool) -> None:
    watched = Watched()
    watched.shake()
    watched.send(tcp(CLIENT, SERVER, 1001, b"x", ack=5001))
    watched.send(tcp(CLIENT, SERVER, sequence, flags=RST))
    assert (watched.opened.only.ended is End.RESET) == believed
    assert watched.engine.counters().doubted == (not believed)


def test_a_watcher_that_fails_stops_nothing() -> None:
    watched = Watched()

    def failing(flow: Flow, handshake: int, at: int) -> None:
        raise RuntimeError

    watched.connected = failing  # type: ignore[method-assign]
    watched.shake()
    watched.send(tcp(CLIENT, SERVER, 1001, b"x", ack=5001))
    watched.send(tcp(CLIENT, SERVER, 1002, b"y", ack=5001))
    assert watched.opened.only.bytes(0) == b"xy"
    assert watched.engine.counters().consumers_failed == 1
