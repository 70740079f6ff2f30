"""Joining of IP fragments."""

import random

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from exporter.net.engine import Engine
from tests.exporter.net.packets import Opened

LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
PAYLOAD = bytes(range(256)) * 16
SECOND = 1_000_000_000
WHOLE = IP(src="10.0.0.1", dst="10.0.0.2", id=5) / TCP(sport=40000, dport=80, seq=7) / Raw(PAYLOAD)
PACKETS = {
    "ipv4": WHOLE.fragment(512),  # type: ignore[no-untyped-call]  # scapy
    "ipv6": fragment6(  # type: ignore[no-untyped-call]  # scapy
        IPv6(src="fd00::1", dst="fd00::2") / IPv6ExtHdrFragment(id=5) / TCP(sport=40000, dport=80) / Raw(PAYLOAD), 600
    ),
}


@pytest.mark.parametrize("family", PACKETS)
@pytest.mark.parametrize("seed", range(5))
def test_fragments_in_any_order_and_twice_give_the_packet(family: str, seed: int) -> None:
    frames = [bytes(LINK / fragment) for fragment in PACKETS[family]]
    order = frames + frames[:3] if seed % 2 else list(frames)
    if seed:
        random.Random(seed).shuffle(order)
    opened = Opened()
    engine = Engine(opened)
    for frame in order:
        engine.frame(frame, 1, len(frame), SECOND)
    assert opened.only.bytes(0) == PAYLOAD


def test_a_packet_with_a_fragment_lacking_is_dropped_in_time() -> None:
    opened = Opened()
    engine = Engine(opened)
    for number in range(2000):
        packet = IP(src="10.0.0.1", dst="10.0.0.2", id=number, flags="MF", proto=6) / Raw(bytes(1400))
        frame = bytes(LINK / packet)
        engine.frame(frame, 1, len(frame), SECOND)
    assert opened.consumers == []
    assert engine.counters().fragments_dropped >= 2000 - 256


def test_a_fragment_that_was_not_copied_whole_is_dropped() -> None:
    engine = Engine(Opened())
    for fragment in PACKETS["ipv4"]:
        frame = bytes(LINK / fragment)
        engine.frame(frame[:40], 1, len(frame), SECOND)
    assert engine.counters().fragments_dropped == len(PACKETS["ipv4"])
