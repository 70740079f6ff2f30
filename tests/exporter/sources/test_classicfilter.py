"""The socket filters, run by an interpreter of classic BPF."""

import random
import struct
from dataclasses import dataclass, field

import pytest

from exporter.net.lengths import Bodies
from exporter.sources.classicfilter import Instruction, Sample, Snap, assemble, payload_filter
from tests.exporter.net.packets import ACK, CLIENT, FIN, RST, SERVER, SYN, ethernet, ip, tcp, udp

CLIENT6, SERVER6 = ("fd00::1", 40000), ("fd00::2", 80)
SNAP = Snap(1000, 300)
WHOLE = 0x40000


@dataclass
class Machine:
    """The registers of an interpreter of classic BPF."""

    packet: bytes
    accumulator: int = 0
    index: int = 0
    kept: list[int] = field(default_factory=lambda: [0] * 16)

    def run(self, program: bytes) -> int:
        """Return how many bytes of the packet are kept; a load beyond its end drops it, as in the kernel."""
        lines = list(struct.iter_unpack("=HBBI", program))
        place = 0
        while lines[place][0] != 0x06:
            code, then, otherwise, operand = lines[place]
            place += 1
            try:
                self._load(code, operand)
                self._compute(code, operand)
                place += self._jump(code, then, otherwise, operand)
            except (IndexError, struct.error):
                return 0
        return int(lines[place][3])

    def _load(self, code: int, operand: int) -> None:
        if code == 0x80:
            self.accumulator = len(self.packet)
        elif code in (0x28, 0x48):
            self.accumulator = struct.unpack_from("!H", self.packet, operand + (self.index if code == 0x48 else 0))[0]
        elif code in (0x30, 0x50):
            self.accumulator = self.packet[operand + (self.index if code == 0x50 else 0)]
        elif code == 0xB1:
            self.index = (self.packet[operand] & 15) * 4
        elif code == 0x20:
            self.accumulator = struct.unpack_from("!I", self.packet, operand)[0]
        elif code == 0x61:
            self.index = self.kept[operand]
        elif code in (0x00, 0x60):
            self.accumulator = operand if code == 0x00 else self.kept[operand]

    def _compute(self, code: int, operand: int) -> None:
        if code == 0x54:
            self.accumulator &= operand
        elif code == 0x64:
            self.accumulator <<= operand
        elif code == 0x74:
            self.accumulator >>= operand
        elif code == 0x0C:
            self.accumulator += self.index
        elif code == 0x07:
            self.index = self.accumulator
        elif code == 0x02:
            self.kept[operand] = self.accumulator
        elif code in (0xAC, 0xA4):
            self.accumulator ^= self.index if code == 0xAC else operand
        elif code == 0x24:
            self.accumulator = self.accumulator * operand & 0xFFFFFFFF

    def _jump(self, code: int, then: int, otherwise: int, operand: int) -> int:
        conditions = {
            0x15: self.accumulator == operand,
            0x45: self.accumulator & operand != 0,
            0x25: self.accumulator > operand,
            0x2D: self.accumulator > self.index,
        }
        if code == 0x05:
            return operand
        return 0 if code not in conditions else then if conditions[code] else otherwise


def run(program: bytes, packet: bytes) -> int:
    """Return how many bytes of the packet the program keeps."""
    return Machine(packet).run(program)


KEPT = {
    "payload": tcp(CLIENT, SERVER, 1, b"x"),
    "syn": tcp(CLIENT, SERVER, 1, flags=SYN),
    "fin": tcp(CLIENT, SERVER, 1, flags=FIN | ACK),
    "rst": tcp(CLIENT, SERVER, 1, flags=RST),
    "ipv6 payload": tcp(CLIENT6, SERVER6, 1, b"x"),
    "ipv6 syn": tcp(CLIENT6, SERVER6, 1, flags=SYN),
    "gre": ethernet(ip("10.0.0.1", "10.0.0.2", 47, bytes(30))),
    "ip in ip": ethernet(ip("10.0.0.1", "10.0.0.2", 4, bytes(30))),
    "vxlan": udp(CLIENT, ("10.0.0.2", 4789), bytes(30)),
    "geneve over ipv6": udp(CLIENT6, ("fd00::2", 6081), bytes(30)),
    "dns": udp(CLIENT, ("10.0.0.2", 53), bytes(12)),
    "dns refusal": udp(("10.0.0.2", 53), CLIENT, bytes(12)),
    "dns on another port": udp(CLIENT, SERVER, b"\1\2\1\x20\0\1" + bytes(20)),
    "ipv6 dns answer": udp(SERVER6, CLIENT6, b"\1\2\x81\x80\0\1" + bytes(20)),
    "vlan": ethernet(b"\0\5\x08\0" + bytes(40), 0x8100),
    "mpls": ethernet(bytes(40), 0x8847),
    "extension header": ethernet(ip("fd00::1", "fd00::2", 0, bytes(40))),
    "ipv6 fragment": ethernet(ip("fd00::1", "fd00::2", 44, bytes(40))),
}
DROPPED = {
    "acknowledgement": tcp(CLIENT, SERVER, 1),
    "padded acknowledgement": tcp(CLIENT, SERVER, 1) + bytes(6),
    "ipv6 acknowledgement": tcp(CLIENT6, SERVER6, 1),
    "icmp": ethernet(ip("10.0.0.1", "10.0.0.2", 1, bytes(30))),
    "icmpv6": ethernet(ip("fd00::1", "fd00::2", 58, bytes(30))),
    "arp": ethernet(bytes(28), 0x806),
    "two questions": udp(CLIENT, SERVER, b"\1\2\1\x20\0\2" + bytes(20)),
    "flags that dns has not": udp(CLIENT6, SERVER6, b"\1\2\x41\x20\0\1" + bytes(20)),
    "datagram": udp(CLIENT, SERVER, b"x"),
    "ipv6 datagram": udp(CLIENT6, SERVER6, b"x"),
    "nothing": b"",
}


@pytest.mark.parametrize("name", KEPT)
def test_kept(name: str) -> None:
    assert run(payload_filter(SNAP, 14), KEPT[name]) == WHOLE


@pytest.mark.parametrize("name", DROPPED)
def test_dropped(name: str) -> None:
    assert run(payload_filter(SNAP, 14), DROPPED[name]) == 0


@pytest.mark.parametrize("name", ["payload", "syn", "fin", "rst", "ipv6 payload", "ipv6 syn", "gre"])
def test_the_same_is_kept_without_a_link_header(name: str) -> None:
    assert run(payload_filter(SNAP, 0), KEPT[name][14:]) == WHOLE


@pytest.mark.parametrize("name", ["acknowledgement", "ipv6 acknowledgement", "icmp", "datagram"])
def test_the_same_is_dropped_without_a_link_header(name: str) -> None:
    assert run(payload_filter(SNAP, 0), DROPPED[name][14:]) == 0


@pytest.mark.parametrize("place", [20, 21])
def test_ipv4_fragments_are_kept(place: int) -> None:
    fragment = bytearray(tcp(CLIENT, SERVER, 1))
    fragment[place] = 0x20
    assert run(payload_filter(SNAP, 14), bytes(fragment)) == WHOLE


def test_segmentation_offload_without_a_length_is_kept() -> None:
    frame = bytearray(tcp(CLIENT, SERVER, 1, b"x"))
    frame[16:18] = b"\0\0"
    assert run(payload_filter(SNAP, 14), bytes(frame)) == WHOLE


def test_long_packets_are_cut() -> None:
    assert run(payload_filter(SNAP, 14), tcp(CLIENT, SERVER, 1, bytes(1000 - 54))) == WHOLE
    assert run(payload_filter(SNAP, 14), tcp(CLIENT, SERVER, 1, bytes(1001 - 54))) == 300


@pytest.mark.parametrize("sample", [Sample(), Sample(2, 1 << 31), Sample(2, 5)])
@pytest.mark.parametrize("header", [14, 0])
@pytest.mark.parametrize("sides", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_of_packets_that_hold_bodies_the_head_is_copied(
    sides: tuple[tuple[str, int], tuple[str, int]], header: int, sample: Sample
) -> None:
    client, server = sides
    snap = Snap(WHOLE, 300, frozenset({Bodies(server[1], 1), Bodies(9999, 0)}))
    plain = payload_filter(Snap(WHOLE, 300), header, sample=sample)
    program = payload_filter(snap, header, sample=sample)

    for source, target, size, copied in (
        (server, client, 1000, 300),
        (server, client, 100, WHOLE),
        (client, server, 1000, WHOLE),
        (client, (server[0], 9999), 1000, 300),
        ((server[0], 9999), client, 1000, WHOLE),
    ):
        packet = tcp(source, target, 1, bytes(size))[14 - header :]
        assert run(program, packet) == (copied if run(plain, packet) else 0)


@pytest.mark.parametrize("name", [*KEPT, *DROPPED])
def test_what_is_known_of_bodies_changes_nothing_for_the_rest(name: str) -> None:
    packet = (KEPT | DROPPED)[name]
    bodies = frozenset(Bodies(port, port % 2) for port in range(16))
    assert run(payload_filter(Snap(WHOLE, 300, bodies), 14), packet) == run(payload_filter(SNAP, 14), packet)


def test_datagrams_are_kept_where_they_are_wanted() -> None:
    assert run(payload_filter(SNAP, 14, datagrams=True), DROPPED["datagram"]) == WHOLE
    assert run(payload_filter(SNAP, 14, datagrams=True), DROPPED["ipv6 datagram"]) == WHOLE


def test_a_jump_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="no label 'away'"):
        assemble([Instruction(0x15, 1, "away")])


def test_a_jump_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="a jump of"):
        assemble(["start", Instruction(0x15, 1, "start")])


@pytest.mark.parametrize("sides", [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_both_directions_of_a_flow_are_kept_or_not(sides: tuple[tuple[str, int], tuple[str, int]]) -> None:
    dice = random.Random(3)
    kept = set()
    for _ in range(200):
        program = payload_filter(SNAP, 14, sample=Sample(4, dice.getrandbits(32)))
        there, back = (run(program, tcp(*ends, 1, b"x")) > 0 for ends in (sides, sides[::-1]))
        assert there == back
        kept.add(there)
    assert kept == {True, False}


@pytest.mark.parametrize("flows", [2, 8, 64])
def test_every_flow_is_kept_as_often_as_it_should_be(flows: int) -> None:
    dice = random.Random(flows)
    ports = [dice.randrange(1024, 65536) for _ in range(20)]
    rounds = 60 * flows
    counts = dict.fromkeys(ports, 0)
    for _ in range(rounds):
        program = payload_filter(SNAP, 14, sample=Sample(flows, dice.getrandbits(32)))
        for port in ports:
            counts[port] += run(program, tcp(("127.0.0.1", port), ("127.0.0.1", 6379), 1, b"x")) > 0
    assert all(25 < count < 100 for count in counts.values())
    assert sum(counts.values()) / len(ports) == pytest.approx(60, rel=0.15)


def test_what_is_no_tcp_is_kept_as_often_too() -> None:
    dice = random.Random(5)
    frame = ethernet(ip("10.0.0.1", "10.0.0.2", 47, b"x" * 40))
    kept = sum(run(payload_filter(SNAP, 14, sample=Sample(4, dice.getrandbits(32))), frame) > 0 for _ in range(2000))
    assert kept == pytest.approx(500, rel=0.15)


@pytest.mark.parametrize("flows", [0, 3, 1 << 17])
def test_shares_that_no_bits_tell_are_refused(flows: int) -> None:
    with pytest.raises(ValueError, match="one flow in"):
        payload_filter(SNAP, 14, sample=Sample(flows, 1))
