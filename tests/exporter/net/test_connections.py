"""The life of connections, as their consumers see it."""

import random
import struct
from typing import Any

import pytest

from exporter.model import Endpoint
from exporter.net.engine import Engine
from exporter.net.stream import End
from tests.exporter.net.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, Opened, Side, tcp, udp

SECOND = 1_000_000_000
ETHERNET = 1


class Wire:
    """An engine, and what is sent to it; time goes on by a millisecond with each packet."""

    def __init__(self, opened: Opened | None = None, **settings: Any) -> None:
        self.opened = opened or Opened()
        self.engine = Engine(self.opened, **settings)
        self.now = 1_700_000_000 * SECOND

    def send(self, frame: bytes, captured: int | None = None) -> None:
        self.now += 1_000_000
        self.engine.frame(frame[:captured], ETHERNET, len(frame), self.now)

    def open(self, client: Side = CLIENT, server: Side = SERVER, first: int = 1000, second: int = 5000) -> None:
        self.send(tcp(client, server, first, flags=SYN))
        self.send(tcp(server, client, second, flags=SYN | ACK, ack=first + 1))


def test_bytes_of_both_directions_arrive_in_order_with_their_times() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"hello ", ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1007, b"world", ack=5001))
    wire.send(tcp(SERVER, CLIENT, 5001, b"hi", ack=1012))
    consumer = wire.opened.only
    start = wire.now - 2_000_000
    assert consumer.calls == [
        ("data", 0, b"hello ", start),
        ("data", 0, b"world", start + 1_000_000),
        ("data", 1, b"hi", start + 2_000_000),
    ]


def test_the_handshake_tells_the_sides_whatever_the_ports() -> None:
    wire = Wire()
    wire.open(("10.0.0.9", 80), ("10.0.0.1", 50000))
    wire.send(tcp(("10.0.0.9", 80), ("10.0.0.1", 50000), 1001, b"x", ack=5001))
    flow = wire.opened.only.flow
    assert flow.client == Endpoint("10.0.0.9", 80)
    assert flow.server == Endpoint("10.0.0.1", 50000)
    assert flow.sure
    assert flow.transport == "tcp"


def test_the_servers_half_of_a_handshake_is_enough() -> None:
    wire = Wire()
    wire.send(tcp(SERVER, CLIENT, 5000, flags=SYN | ACK, ack=1001))
    wire.send(tcp(CLIENT, SERVER, 1001, b"x", ack=5001))
    assert wire.opened.only.flow.client == Endpoint(*CLIENT)
    assert wire.opened.only.flow.sure


@pytest.mark.parametrize("first", [(CLIENT, SERVER), (SERVER, CLIENT)])
def test_joined_midway_the_higher_port_is_taken_for_the_client(first: tuple[Side, Side]) -> None:
    wire = Wire()
    wire.send(tcp(*first, 77, b"x", ack=99))
    assert wire.opened.only.flow.client == Endpoint(*CLIENT)
    assert not wire.opened.only.flow.sure


def test_ipv6_and_mapped_addresses_are_told_in_text() -> None:
    wire = Wire()
    wire.send(tcp(("fd00::1", 40000), ("fd00::2", 80), 1, b"x"))
    wire.send(tcp(("::ffff:10.0.0.1", 40001), ("::ffff:10.0.0.2", 80), 1, b"x"))
    servers = [consumer.flow.server.address for consumer in wire.opened.consumers]
    assert servers == ["fd00::2", "10.0.0.2"]


def test_fin_from_both_sides_ends_the_connection_once() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"bye", flags=ACK | FIN, ack=5001))
    wire.send(tcp(SERVER, CLIENT, 5001, b"bye", flags=ACK | FIN, ack=1005))
    wire.send(tcp(SERVER, CLIENT, 5001, b"bye", flags=ACK | FIN, ack=1005))
    wire.send(tcp(CLIENT, SERVER, 1005, ack=5005))
    assert wire.opened.only.ended is End.CLOSED
    assert wire.opened.only.bytes(1) == b"bye"


def test_a_fin_before_its_bytes_waits_for_them() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"ask", flags=ACK | FIN, ack=5001))
    wire.send(tcp(SERVER, CLIENT, 5004, flags=ACK | FIN, ack=1005))
    assert wire.opened.only.ended is None
    wire.send(tcp(SERVER, CLIENT, 5001, b"say", ack=1005))
    assert wire.opened.only.bytes(1) == b"say"
    assert wire.opened.only.ended is End.CLOSED


def test_a_reset_ends_the_connection_and_what_follows_is_not_a_new_one() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"ask", ack=5001))
    wire.send(tcp(SERVER, CLIENT, 5001, flags=RST))
    wire.send(tcp(CLIENT, SERVER, 1004, b"late", ack=5001))
    assert wire.opened.only.ended is End.RESET


def test_a_new_syn_on_the_same_ports_is_a_new_connection() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"one", ack=5001))
    wire.open(first=900_000, second=700_000)
    wire.send(tcp(CLIENT, SERVER, 900_001, b"two", ack=700_001))
    first, second = wire.opened.consumers
    assert first.ended is End.REPLACED
    assert (first.bytes(0), second.bytes(0)) == (b"one", b"two")
    assert wire.engine.counters().flows_replaced == 1


def test_a_repeated_handshake_changes_nothing() -> None:
    wire = Wire()
    wire.open()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"one", ack=5001))
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1004, b"two", ack=5001))
    assert wire.opened.only.bytes(0) == b"onetwo"


def test_a_fast_open_delivers_what_the_syn_carries() -> None:
    wire = Wire()
    wire.send(tcp(CLIENT, SERVER, 1000, b"early ", flags=SYN))
    wire.send(tcp(SERVER, CLIENT, 5000, flags=SYN | ACK, ack=1007))
    wire.send(tcp(CLIENT, SERVER, 1007, b"rest", ack=5001))
    assert wire.opened.only.bytes(0) == b"early rest"


def test_keep_alive_probes_are_not_payload() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"one", ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1003, b"\0", ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1003, ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1004, b"two", ack=5001))
    assert wire.opened.only.bytes(0) == b"onetwo"


def test_what_was_not_copied_is_a_gap() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"0123456789", ack=5001), captured=14 + 20 + 20 + 4)
    wire.send(tcp(CLIENT, SERVER, 1011, b"more", ack=5001))
    assert wire.opened.only.bytes(0) == b"0123??????more"


def test_padding_is_not_payload() -> None:
    wire = Wire()
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"x", ack=5001) + bytes(5))
    assert wire.opened.only.bytes(0) == b"x"


def test_a_consumer_is_spared_the_bytes_that_it_does_not_want() -> None:
    wire = Wire(Opened(skips={(0, 10): 14}))
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"head" + b"b" * 6, ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1011, b"b" * 10, ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1021, b"b" * 4 + b"tail", ack=5001))
    kinds = [call[:3] for call in wire.opened.only.calls]
    assert kinds == [("data", 0, b"headbbbbbb"), ("gap", 0, 14), ("data", 0, b"tail")]


def test_a_skip_that_ends_with_a_segment_is_told_at_once() -> None:
    wire = Wire(Opened(skips={(0, 4): 10}))
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"head", ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1005, b"b" * 10, ack=5001))
    assert wire.opened.only.calls[-1] == ("gap", 0, 10, wire.now)


def test_an_unfinished_skip_is_told_at_the_end() -> None:
    wire = Wire(Opened(skips={(0, 4): 1 << 62}))
    wire.open()
    wire.send(tcp(CLIENT, SERVER, 1001, b"head", ack=5001))
    wire.send(tcp(CLIENT, SERVER, 1005, b"b" * 10, ack=5001))
    skipped_at = wire.now
    wire.send(tcp(CLIENT, SERVER, 1015, flags=RST))
    assert wire.opened.only.calls[-2:] == [("gap", 0, 10, skipped_at), ("end", -1, b"reset", wire.now)]


def test_nobody_is_asked_twice_about_a_connection_that_nobody_wants() -> None:
    wire = Wire(Opened(ignored=frozenset({8080})))
    wire.open()
    for number in range(5):
        wire.send(tcp(CLIENT, SERVER, 1001 + number, b"x", ack=5001))
    assert wire.engine.counters().flows_opened == 1
    assert wire.engine.counters().delivered_bytes == 0


def test_the_idle_are_ended_and_the_others_not() -> None:
    wire = Wire(idle_ns=60 * SECOND)
    wire.send(tcp(CLIENT, SERVER, 1, b"x"))
    wire.now += 50 * SECOND
    wire.send(tcp(("10.0.0.7", 40000), SERVER, 1, b"x"))
    wire.engine.expire(wire.now + 20 * SECOND)
    assert [consumer.ended for consumer in wire.opened.consumers] == [End.IDLE, None]
    assert wire.engine.counters().flows_active == 1


def test_datagrams_are_ended_sooner() -> None:
    wire = Wire(datagrams=True)
    wire.send(udp(CLIENT, SERVER, b"x"))
    wire.send(udp(("fd00::1", 40000), ("fd00::2", 53), b"x"))
    wire.send(tcp(CLIENT, SERVER, 1, b"x"))
    wire.engine.expire(wire.now + 31 * SECOND)
    assert [consumer.ended for consumer in wire.opened.consumers] == [End.IDLE, End.IDLE, None]


def test_a_full_table_evicts_and_counts() -> None:
    wire = Wire(max_flows=64)
    for number in range(200):
        wire.send(tcp(("10.0.1.1", 1024 + number), ("10.0.0.2", 80), 1, b"x"))
    counters = wire.engine.counters()
    assert counters.flows_active == 64
    assert counters.flows_evicted == 200 - 64
    assert sum(consumer.ended is End.EVICTED for consumer in wire.opened.consumers) == 200 - 64


def test_the_busy_survive_a_full_table() -> None:
    wire = Wire(max_flows=64)
    wire.open()
    for number in range(500):
        wire.send(tcp(CLIENT, SERVER, 1001 + number, b"x", ack=5001))
        wire.send(tcp(("10.0.1.1", 1024 + number), ("10.0.0.2", 80), 1, b"x"))
    assert wire.opened.consumers[0].ended is None


def test_a_flood_of_syns_starves_nobody_and_takes_no_more_memory() -> None:
    wire = Wire(max_flows=256)
    established = [("10.0.3.1", 2000 + number) for number in range(200)]
    for client in established:
        wire.open(client)
        wire.send(tcp(client, SERVER, 1001, b"x", ack=5001))
    sources = random.Random(1)
    for _ in range(20_000):
        source = (f"172.16.{sources.randrange(256)}.{sources.randrange(256)}", sources.randrange(1024, 65536))
        wire.send(tcp(source, SERVER, sources.randrange(2**32), flags=SYN))
    assert all(consumer.ended is None for consumer in wire.opened.consumers)
    assert len(wire.opened.consumers) == 200
    assert wire.engine.counters().flows_active <= 256


def test_closing_ends_every_flow() -> None:
    wire = Wire()
    for port in range(40000, 40010):
        wire.send(tcp(("10.0.0.1", port), SERVER, 1, b"x"))
    wire.engine.close(wire.now)
    assert {consumer.ended for consumer in wire.opened.consumers} == {End.STOPPED}
    assert wire.engine.counters().flows_active == 0


def test_segments_of_unknown_connections_without_payload_are_strays() -> None:
    wire = Wire()
    for flags in (ACK, RST, ACK | FIN):
        wire.send(tcp(CLIENT, SERVER, 1, flags=flags))
    assert wire.opened.consumers == []
    assert wire.engine.counters().strays == 3


def test_datagrams_come_whole_where_they_are_wanted() -> None:
    wire = Wire(datagrams=True)
    wire.send(udp(("10.0.0.1", 40000), ("10.0.0.2", 53), b"question"))
    wire.send(udp(("10.0.0.2", 53), ("10.0.0.1", 40000), b"answer"))
    assert [call[:3] for call in wire.opened.only.calls] == [("data", 0, b"question"), ("data", 1, b"answer")]
    assert wire.opened.only.flow.transport == "udp"


def test_datagrams_are_only_counted_otherwise() -> None:
    wire = Wire()
    wire.send(udp(("10.0.0.1", 40000), ("10.0.0.2", 53), b"question"))
    assert wire.opened.consumers == []
    assert wire.engine.counters().datagrams == 1


def test_sequence_numbers_wrap() -> None:
    wire = Wire()
    wire.open(first=2**32 - 4)
    wire.send(tcp(CLIENT, SERVER, 2**32 - 3, b"abcdef", ack=5001))
    wire.send(tcp(CLIENT, SERVER, 3, b"ghi", ack=5001))
    assert wire.opened.only.bytes(0) == b"abcdefghi"


def test_a_table_of_no_flows_is_refused() -> None:
    with pytest.raises(ValueError, match="a flow table of 0 flows"):
        Engine(Opened(), max_flows=0)


def block(frames: list[tuple[bytes, int]]) -> bytes:
    """Return a TPACKET_V3 block with packets and their times."""
    packets = b""
    for number, (frame, at) in enumerate(frames):
        size = -(-(66 + len(frame)) // 8) * 8
        following = size if number + 1 < len(frames) else 0
        header = struct.pack("=IIIIIIHH", following, at // SECOND, at % SECOND, len(frame), len(frame), 0, 66, 80)
        packets += (header.ljust(66, b"\0") + frame).ljust(size, b"\0")
    return struct.pack("=IIIIIII", 3, 0, 1, len(frames), 48, 0, 0).ljust(48, b"\0") + packets


def test_a_block_of_the_ring_is_read_from_its_place() -> None:
    opened = Opened()
    engine = Engine(opened)
    frames = [(tcp(CLIENT, SERVER, 1, b"ab"), 5 * SECOND + 7), (tcp(CLIENT, SERVER, 3, b"cd"), 6 * SECOND)]
    memory = bytes(4096) + block(frames)
    assert engine.block(memory, 4096, len(memory) - 4096) == 2
    assert opened.only.calls == [("data", 0, b"ab", 5 * SECOND + 7), ("data", 0, b"cd", 6 * SECOND)]


def test_a_garbled_block_is_read_as_far_as_it_goes() -> None:
    generator = random.Random(7)
    whole = block([(tcp(CLIENT, SERVER, 1, b"ab"), SECOND)] * 4)
    for _ in range(2000):
        garbled = bytearray(whole)
        for _ in range(generator.randrange(1, 8)):
            garbled[generator.randrange(len(garbled))] = generator.randrange(256)
        Engine(Opened(), max_flows=8).block(bytes(garbled), 0, generator.randrange(len(garbled)))


def test_the_same_addresses_in_another_zone_are_another_connection() -> None:
    opened = Opened()
    engine = Engine(opened)
    client, server = ("127.0.0.1", 40_000), ("127.0.0.1", 80)
    for zone, text in ((0, b"own"), (7, b"inner"), (0, b" more"), (7, b" of it")):
        begin = 1 if len(text) < 5 or text == b"inner" else 4 if zone == 0 else 6
        memory = block([(tcp(client, server, begin, text), SECOND)])
        assert engine.block(memory, 0, len(memory), zone=zone) == 1
    assert [consumer.bytes(0) for consumer in opened.consumers] == [b"own more", b"inner of it"]
    assert [str(consumer.flow.server) for consumer in opened.consumers] == ["127.0.0.1:80", "127.0.0.1%7:80"]
    engine.frame(tcp(client, server, 9, b"!"), 1, 55, SECOND)
    assert opened.consumers[0].bytes(0) == b"own more!"


def test_addresses_that_packets_cross_zones_with_have_none_and_loopback_has() -> None:
    opened = Opened()
    engine = Engine(opened)
    for source, target in (((CLIENT[0], 45_678), SERVER), (("::1", 40_000), ("::1", 80))):
        memory = block([(tcp(source, target, 1, b"a"), SECOND)])
        engine.block(memory, 0, len(memory), zone=9)
    assert [consumer.flow.server.address for consumer in opened.consumers] == [SERVER[0], "::1%9"]
