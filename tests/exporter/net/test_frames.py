"""Decoding of every kind of frame, built by scapy where it can."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from exporter.net.frames import Frame
from exporter.net.layout import DATAGRAM, FRAGMENT, MALFORMED, OTHER, SEGMENT, TRUNCATED, UNKNOWN_LINK
from exporter.net.links import LINKS
from tests.exporter.net.packets import CLIENT, SERVER, ethernet, tcp

LINK = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # else scapy asks the network for them
PLAIN = IP(src="10.0.0.1", dst="10.0.0.2")
INNER = PLAIN / TCP(sport=40000, dport=80, seq=7, ack=9, flags="PA") / Raw(b"payload")
FRAGMENTED = IP(src="10.0.0.1", dst="10.0.0.2", id=77, flags="MF", frag=3, proto=6)
INNER6 = IPv6(src="fd00::1", dst="fd00::2")
SEGMENT6 = TCP(sport=40000, dport=80, seq=7) / Raw(b"payload")
OUTER = LINK / IP(src="192.0.2.1", dst="192.0.2.2")
SNAPPED = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x800) / INNER
LOGGED = struct.pack("<BBHHH8sHH", 2, 0, 0, 12, 1, b"fields", 4 + len(INNER), 9)
FRAMES = {
    "plain": (LINK / INNER, 1),
    "ipv4 options": (LINK / IP(src="10.0.0.1", dst="10.0.0.2", options=b"\x01" * 8) / INNER[TCP], 1),
    "tcp options": (
        LINK
        / IP(src="10.0.0.1", dst="10.0.0.2")
        / TCP(sport=40000, dport=80, seq=7, options=[("Timestamp", (1, 2))])
        / b"payload",
        1,
    ),
    "vlan": (LINK / Dot1Q(vlan=5) / INNER, 1),
    "vlan 0": (LINK / Dot1Q(vlan=0) / INNER, 1),
    "qinq": (LINK / Dot1AD(vlan=5) / Dot1Q(vlan=6) / INNER, 1),
    "three tags": (LINK / Dot1Q() / Dot1Q() / Dot1Q() / INNER, 1),
    "snap": (
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=8 + len(INNER))
        / LLC(dsap=0xAA, ssap=0xAA, ctrl=3)
        / SNAP(code=0x800)
        / INNER,
        1,
    ),
    "mpls": (LINK / MPLS(s=0) / MPLS(s=1) / INNER, 1),
    "mpls pseudowire": (LINK / MPLS(s=1) / Raw(b"\0\0\0\0") / LINK / INNER, 1),
    "pppoe": (LINK / PPPoE(code=0) / PPP(proto=0x21) / INNER, 1),
    "gre": (OUTER / GRE() / INNER, 1),
    "gre with key": (OUTER / GRE(key_present=1, key=5, seqnum_present=1, chksum_present=1) / INNER, 1),
    "gre bridging": (OUTER / GRE(proto=0x6558) / LINK / INNER, 1),
    "erspan 1": (OUTER / GRE(proto=0x88BE) / LINK / INNER, 1),
    "erspan 2": (OUTER / GRE(proto=0x88BE, seqnum_present=1) / Raw(bytes(8)) / LINK / INNER, 1),
    "erspan 3": (OUTER / GRE(proto=0x22EB, seqnum_present=1) / Raw(bytes(12)) / LINK / INNER, 1),
    "ip in ip": (OUTER / INNER, 1),
    "vxlan": (OUTER / UDP(dport=4789) / VXLAN(vni=5, flags=8) / LINK / INNER, 1),
    "geneve": (OUTER / UDP(dport=6081) / GENEVE(proto=0x6558) / LINK / INNER, 1),
    "geneve ip": (OUTER / UDP(dport=6081) / GENEVE(proto=0x800) / INNER, 1),
    "ipv6": (LINK / INNER6 / SEGMENT6, 1),
    "ipv6 extensions": (LINK / INNER6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / SEGMENT6, 1),
    "atomic fragment": (LINK / INNER6 / IPv6ExtHdrFragment(m=0, offset=0) / SEGMENT6, 1),
    "ipv6 in ipv4": (OUTER / INNER6 / SEGMENT6, 1),
    "raw": (INNER, 101),
    "raw ipv6": (INNER6 / SEGMENT6, 101),
    "null": (Loopback(type=2) / INNER, 0),
    "cooked": (CookedLinux(proto=0x800) / INNER, 113),
    "cooked 2": (CookedLinuxV2(proto=0x800) / INNER, 276),
    "ppp": (Raw(b"\xff\x03\x00\x21") / INNER, 9),
    "ppp with a direction": (Raw(b"\1\xff\x03\x00\x21") / INNER, 204),
    "pppoe alone": (PPPoE(code=0) / PPP(proto=0x21) / INNER, 51),
    "wireless": (Dot11(type=2, FCfield=1) / SNAPPED, 105),
    "wireless, four addresses, quality": (Dot11(type=2, subtype=8, FCfield=3) / Dot11QoS() / SNAPPED, 105),
    "radiotap": (RadioTap() / Dot11(type=2, FCfield=2) / SNAPPED, 127),
    "radiotap with fields": (
        RadioTap(present="TSFT+Flags+Rate", mac_timestamp=1, Flags="FCS") / Dot11(type=2) / SNAPPED,
        127,
    ),
    "radiotap with padding": (
        RadioTap(present="Flags", Flags="pad") / Dot11(type=2, subtype=8) / Dot11QoS() / Raw(b"\0\0") / SNAPPED,
        127,
    ),
    "fddi": (Raw(bytes(13)) / SNAPPED, 10),
    "atm": (SNAPPED, 11),
    "enc": (Raw(bytes(12)) / INNER, 109),
    "ipnet": (Raw(bytes(24)) / INNER6 / SEGMENT6, 226),
    "pflog": (Raw(b"\x3d" + bytes(63)) / INNER, 117),
    "nflog": (Raw(LOGGED) / INNER, 239),
}
BYTES = {name: (bytes(packet), link) for name, (packet, link) in FRAMES.items()}


def decode(data: bytes, link: int = 1, wire: int | None = None) -> tuple[Frame, int]:
    """Return the decoded frame and the verdict."""
    frame = Frame()
    frame.attach(data)
    return frame, frame.read(0, len(data), len(data) if wire is None else wire, link)


@pytest.mark.parametrize("name", FRAMES)
def test_the_segment_is_found_in(name: str) -> None:
    data, link = BYTES[name]
    frame, verdict = decode(data, link)
    assert verdict == SEGMENT
    assert data[frame.payload : frame.payload + frame.size] == b"payload"
    assert (frame.wire, frame.sequence, frame.source_port, frame.target_port) == (7, 7, 40000, 80)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_anywhere_is_truncated_or_short(name: str) -> None:
    data, link = BYTES[name]
    for length in range(len(data)):
        frame, verdict = decode(data[:length], link, len(data))
        assert verdict in (SEGMENT, TRUNCATED, OTHER, DATAGRAM)
        if verdict == SEGMENT:
            assert (frame.wire, frame.payload + frame.size) == (
                7,
                min(length, len(data)) if frame.size else frame.payload,
            )


def test_addresses_are_kept_as_ipv6() -> None:
    frame, _ = decode(bytes(LINK / INNER))
    assert (frame.source_high, frame.source_low) == (0, 0xFFFF0A000001)
    frame, _ = decode(bytes(LINK / IPv6(src="8000::ff", dst="::2") / SEGMENT6))
    assert (frame.source_high, frame.source_low, frame.target_low) == (0x8000 << 48, 0xFF, 2)


def test_segmentation_offload_leaves_the_length_to_the_frame() -> None:
    data = bytearray(tcp(CLIENT, SERVER, 1, b"x" * 100))
    data[16:18] = b"\0\0"
    frame, verdict = decode(bytes(data))
    assert (verdict, frame.wire, frame.size) == (SEGMENT, 100, 100)
    frame, verdict = decode(bytes(data[:80]), wire=len(data) + 70_000)
    assert (verdict, frame.wire, frame.size) == (SEGMENT, 70_100, 26)


def test_a_datagram_is_no_overlay_only_for_its_port() -> None:
    _, verdict = decode(bytes(OUTER / UDP(dport=4789) / Raw(b"\0no vxlan")))
    assert verdict == DATAGRAM


def test_what_is_not_tcp_or_udp_is_other() -> None:
    assert decode(bytes(OUTER / ICMP()))[1] == OTHER
    assert decode(ethernet(bytes(28), 0x806))[1] == OTHER


def test_fragments_are_told_apart() -> None:
    frame, verdict = decode(
        bytes(LINK / IP(src="10.0.0.1", dst="10.0.0.2", id=77, flags="MF", frag=3, proto=6) / Raw(bytes(16)))
    )
    assert (verdict, frame.fragment, frame.fragment_offset, frame.fragment_more, frame.wire) == (
        FRAGMENT,
        77,
        24,
        1,
        16,
    )
    frame, verdict = decode(bytes(LINK / INNER6 / IPv6ExtHdrFragment(nh=6, id=9, offset=2, m=0) / Raw(bytes(8))))
    assert (verdict, frame.fragment, frame.fragment_offset, frame.fragment_more) == (FRAGMENT, 9, 16, 0)


@pytest.mark.parametrize(
    "garble",
    [
        lambda data: data[:14] + b"\x42" + data[15:],  # a header shorter than a header
        lambda data: data[:14] + b"\x55" + data[15:],  # IPv5
        lambda data: data[:16] + b"\0\x10" + data[18:],  # a packet shorter than its header
        lambda data: data[:46] + b"\x40" + data[47:],  # a TCP header shorter than a header
        lambda data: data[:46] + b"\xf0" + data[47:],  # a TCP header longer than the packet
    ],
)
def test_nonsense_is_malformed(garble: Callable[[bytes], bytes]) -> None:
    assert decode(garble(tcp(CLIENT, SERVER, 1, b"x")))[1] == MALFORMED


def test_an_unknown_link_type_is_told() -> None:
    unknown = {link for link in range(300) if decode(bytes(200), link)[1] == UNKNOWN_LINK}
    assert unknown == set(range(300)) - LINKS


@pytest.mark.parametrize("frame", [Dot11(type=0), Dot11(type=2, FCfield=0x40), Dot11(type=2, subtype=4)])
def test_wireless_frames_without_readable_data_are_other(frame: Dot11) -> None:
    assert decode(bytes(frame / SNAPPED), 105)[1] == OTHER


def test_endless_nesting_ends() -> None:
    tags = LINK.copy()
    for _ in range(40):
        tags = tags / Dot1Q()
    assert decode(bytes(tags / INNER))[1] == 6


@given(data=st.binary(max_size=200), link=st.sampled_from([*sorted(LINKS), 147]))
def test_random_bytes_never_raise(data: bytes, link: int) -> None:
    decode(data, link)


@given(
    name=st.sampled_from(sorted(FRAMES)), changes=st.dictionaries(st.integers(0, 120), st.integers(0, 255), max_size=6)
)
def test_garbled_frames_never_raise_nor_point_outside(name: str, changes: dict[int, int]) -> None:
    whole, link = BYTES[name]
    data = bytearray(whole)
    for place, value in changes.items():
        data[place % len(data)] = value
    frame, verdict = decode(bytes(data), link)
    if verdict in (SEGMENT, DATAGRAM, FRAGMENT) and frame.size:
        assert 0 <= frame.payload <= frame.payload + frame.size <= len(data)
        assert frame.size <= frame.wire
