"""What is learnt of long packets: of which the head would do."""

import pytest

from exporter.net.engine import Engine
from exporter.net.lengths import FIRST_STREAK, MAX_CUT, MAX_ROWS, WORTH_HEADS, Bodies, Lengths
from exporter.net.stream import BLINDLY
from tests.exporter.net.packets import CLIENT, SERVER, Opened, tcp, udp
from tests.exporter.net.test_connections import Wire

HEAD = 100
BODIES = frozenset({Bodies(SERVER[1], 1)})
FOR_EVER = 1 << 62


def learning(opened: Opened | None = None) -> Wire:
    """Return an engine that learns of packets with more than `HEAD` bytes, and an open connection."""
    wire = Wire(opened, datagrams=True)
    wire.engine.learn(HEAD)
    wire.open()
    return wire


def answers(wire: Wire, count: int, size: int = 1000, captured: int | None = None, begin: int = 0) -> None:
    """Send so many long segments of the server."""
    for number in range(begin, begin + count):
        wire.send(tcp(SERVER, CLIENT, 5001 + number * size, bytes(size), ack=1001), captured)


def test_packets_of_bodies_are_cut_after_a_while() -> None:
    wire = learning(Opened({(1, HEAD): FOR_EVER}))
    answers(wire, FIRST_STREAK - 1)
    assert wire.engine.bodies() == frozenset()
    answers(wire, 1, begin=FIRST_STREAK - 1)
    assert wire.engine.bodies() == BODIES


def test_packets_that_are_not_much_longer_than_a_head_are_not_cut() -> None:
    """Several messages fit in one another time, and whole they cost little."""
    wire = learning(Opened({(1, HEAD): FOR_EVER}))
    answers(wire, 2 * FIRST_STREAK, size=WORTH_HEADS * HEAD)
    assert wire.engine.bodies() == frozenset()


def test_packets_of_messages_are_not_cut() -> None:
    wire = learning()
    answers(wire, 10 * FIRST_STREAK)
    assert wire.engine.bodies() == frozenset()
    assert wire.engine.messages() == BODIES
    assert wire.opened.only.bytes(1) == bytes(10_000 * FIRST_STREAK)


def test_packets_of_those_who_only_count_are_cut() -> None:
    wire = learning(Opened(dict.fromkeys(((1, 100 + 1000 * number) for number in range(100)), BLINDLY)))
    answers(wire, 100)
    assert wire.engine.bodies() == BODIES


def test_a_message_that_a_cut_took_away_ends_the_cutting_for_longer() -> None:
    skips = {(1, HEAD): FIRST_STREAK * 1000 - HEAD}
    wire = learning(Opened(skips))
    answers(wire, FIRST_STREAK)
    assert wire.engine.bodies() == BODIES
    answers(wire, 1, captured=54 + HEAD, begin=FIRST_STREAK)
    assert wire.engine.bodies() == frozenset()
    assert wire.engine.messages() == BODIES
    assert wire.engine.counters().misjudged == 1
    skips[1, (FIRST_STREAK + 1) * 1000 + HEAD] = FOR_EVER
    answers(wire, 2 * FIRST_STREAK, begin=FIRST_STREAK + 1)
    assert wire.engine.bodies() == frozenset()
    answers(wire, 6 * FIRST_STREAK, begin=3 * FIRST_STREAK + 1)
    assert wire.engine.bodies() == BODIES
    assert wire.engine.messages() == frozenset()


def test_what_a_consumer_passes_over_after_a_loss_tells_nothing() -> None:
    wire = learning(Opened({(1, HEAD): FIRST_STREAK * 1000 - HEAD}))
    answers(wire, FIRST_STREAK)
    wire.engine.hurry(True)
    answers(wire, 10, begin=FIRST_STREAK + 5)
    assert wire.engine.bodies() == BODIES
    assert wire.engine.counters().misjudged == 0


def test_datagrams_are_delivered_whole() -> None:
    wire = learning()
    wire.send(udp(CLIENT, SERVER, b"x" * 500))
    assert [call[:3] for call in wire.opened.consumers[-1].calls] == [("data", 0, b"x" * 500)]


def test_an_engine_that_is_not_to_learn_delivers_long_payloads_whole() -> None:
    opened = Opened()
    engine = Engine(opened)
    engine.frame(tcp(CLIENT, SERVER, 1, b"x" * 5000), 1, 5054, 1)
    assert [call[:3] for call in opened.only.calls] == [("data", 0, b"x" * 5000)]


@pytest.mark.parametrize("servers", [MAX_ROWS, 4 * MAX_ROWS])
def test_nothing_grows_with_the_number_of_servers(servers: int) -> None:
    lengths = Lengths()
    for port in range(servers):
        for _ in range(FIRST_STREAK):
            lengths.note(port, 1, True)
    for port in range(servers):
        lengths.note(port, 0, False)
    assert len(lengths.messages) == MAX_CUT
    assert lengths.cut == {Bodies(port, 1) for port in range(MAX_CUT)}


def test_what_was_captured_of_a_cut_packet_is_delivered_at_once() -> None:
    """Its consumer tells by it how much lies behind, which pieces of it would not."""
    wire = learning()
    answers(wire, 3, captured=54 + HEAD + 50)
    calls = [(kind, told) for kind, direction, told, _ in wire.opened.only.calls if direction == 1]
    assert calls == [("data", bytes(HEAD + 50)), ("gap", 950 - HEAD)] * 3
    assert wire.engine.messages() == BODIES
