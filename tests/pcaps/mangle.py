"""Does to the packets of a capture what networks and captures do to them; every function takes and gives frames.

Frames are Ethernet with IPv4 and TCP, as the captures of this folder are.
"""

import random
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

FRAGMENT_BYTES = 576
FLOWS_PER_WINDOW = 4
SYN, ACK = 2, 16


@dataclass(frozen=True, slots=True)
class Captured:
    """A frame, its length on the wire and the time of its capture in nanoseconds."""

    frame: bytes
    wire: int
    at: int


Mangle = Callable[[list[Captured]], list[Captured]]


def parse(capture: bytes) -> list[Captured]:
    """Return the packets of a nanosecond pcap."""
    packets, at = [], 24
    while at < len(capture):
        seconds, nanoseconds, size, wire = struct.unpack_from("<IIII", capture, at)
        packets.append(Captured(capture[at + 16 : at + 16 + size], wire, seconds * 10**9 + nanoseconds))
        at += 16 + size
    return packets


def serialise(packets: Iterable[Captured]) -> bytes:
    """Return a nanosecond pcap of packets."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)]
    for packet in packets:
        out.append(struct.pack("<IIII", *divmod(packet.at, 10**9), len(packet.frame), packet.wire))
        out.append(packet.frame)
    return b"".join(out)


def reordered(packets: list[Captured]) -> list[Captured]:
    """Let neighbours change places, as several queues do; times stay with their packets."""
    dice = random.Random(1)
    places = sorted(range(len(packets)), key=lambda place: place + dice.uniform(0, 4))
    return [packets[place] for place in places]


def duplicated(packets: list[Captured]) -> list[Captured]:
    """Capture every packet twice, as on a bridge and its port."""
    return [copy for packet in packets for copy in (packet, replace(packet, at=packet.at + 5_000))]


def lossy(packets: list[Captured], share: float = 0.005, seed: int = 3) -> list[Captured]:
    """Lose one packet in two hundred, or another share."""
    dice = random.Random(seed)
    return [packet for packet in packets if dice.random() >= share]


def snapped(packets: list[Captured], size: int = 96) -> list[Captured]:
    """Copy so many bytes of each."""
    return [replace(packet, frame=packet.frame[:size]) for packet in packets]


def one_sided(asking: bool) -> Mangle:
    """Return what keeps what those send that began connections, or else what the others do."""

    def mangle(packets: list[Captured]) -> list[Captured]:
        opened: set[bytes] = set()  # addresses and ports, as the client sends them
        kept = []
        for packet in packets:
            begin = 14 + (packet.frame[14] & 0x0F) * 4
            ports, flags = packet.frame[begin : begin + 4], packet.frame[begin + 13]
            if flags & (SYN | ACK) == SYN:
                opened.add(packet.frame[26:34] + ports)
            if (packet.frame[26:34] + ports in opened) is asking:
                kept.append(packet)
        return kept

    return mangle


def inserted(header: bytes, at: int = 12) -> Mangle:
    """Return what puts bytes into each frame."""
    return lambda packets: [
        replace(packet, frame=packet.frame[:at] + header + packet.frame[at:], wire=packet.wire + len(header))
        for packet in packets
    ]


def outer(protocol: int, header: bytes, inner_from: int) -> Mangle:
    """Return what sends each frame, from a byte on, through an IPv4 tunnel of a protocol behind a header."""

    def mangle(packets: list[Captured]) -> list[Captured]:
        return [wrapped(packet) for packet in packets]

    def wrapped(packet: Captured) -> Captured:
        inner = header + packet.frame[inner_from:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 0, 0, 64, protocol, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        frame = bytes(12) + b"\x08\0" + ip + inner
        return replace(packet, frame=frame, wire=len(frame))

    return mangle


def datagram(port: int, header: bytes) -> Mangle:
    """Return what sends each frame through a tunnel over UDP."""

    def mangle(packets: list[Captured]) -> list[Captured]:
        mangled = []
        for packet in packets:
            udp = struct.pack("!HHHH", 50_000, port, 8 + len(header) + len(packet.frame), 0)
            mangled += outer(17, udp + header, 0)([packet])
        return mangled

    return mangle


def fragmented(packets: list[Captured]) -> list[Captured]:
    """Cut the IP packets into fragments that come last first."""
    pieces: list[Captured] = []
    for number, packet in enumerate(packets):
        head, payload = bytearray(packet.frame[:34]), packet.frame[34:]
        cuts = range(0, len(payload), FRAGMENT_BYTES)
        for start in reversed(cuts):
            piece = payload[start : start + FRAGMENT_BYTES]
            more = 0x2000 if start + FRAGMENT_BYTES < len(payload) else 0
            struct.pack_into("!HHH", head, 16, 20 + len(piece), number & 0xFFFF, more | start // 8)
            frame = bytes(head) + piece
            pieces.append(Captured(frame, len(frame), packet.at))
    return pieces


def ipv6(extensions: bytes, first: int = 0) -> Mangle:
    """Return what turns IPv4 into IPv6; with extension headers, the first of a given number, only TCP."""

    def mangle(packets: list[Captured]) -> list[Captured]:
        return [turned(packet) for packet in packets]

    def turned(packet: Captured) -> Captured:
        total = int.from_bytes(packet.frame[16:18], "big")
        sides = b"".join(b"\xfd" + bytes(11) + packet.frame[at : at + 4] for at in (26, 30))
        body = extensions + packet.frame[34 : 14 + total]
        following = first if extensions else packet.frame[23]
        head = struct.pack("!IHBB", 6 << 28, len(body), following, 64)
        frame = packet.frame[:12] + b"\x86\xdd" + head + sides + body
        return replace(packet, frame=frame, wire=len(frame))

    return mangle


def offloaded(packets: list[Captured]) -> list[Captured]:
    """Leave checksums unset and lengths 0, as segmentation offload beyond 64 KB does."""
    mangled = []
    for packet in packets:
        frame = bytearray(packet.frame)
        frame[16:18] = frame[24:26] = frame[50:52] = b"\0\0"
        mangled.append(replace(packet, frame=bytes(frame)))
    return mangled


def jumbo(packets: list[Captured]) -> list[Captured]:
    """Send the packets as IPv6 jumbograms: payload length 0, the length in a hop-by-hop option."""
    mangled = []
    for packet, before in zip(ipv6(bytes([6, 0, 0xC2, 4, 0, 0, 0, 0]), 0)(packets), packets, strict=True):
        frame = bytearray(packet.frame)
        frame[54] = before.frame[23]  # what follows the extension is what followed IPv4
        struct.pack_into("!I", frame, 14 + 40 + 4, len(frame) - 54)
        frame[18:20] = b"\0\0"
        mangled.append(replace(packet, frame=bytes(frame)))
    return mangled


ERSPAN2 = struct.pack("!HHI", 0x1000, 0x88BE, 7) + bytes(8)
ERSPAN3 = struct.pack("!HHI", 0x1000, 0x22EB, 7) + bytes(12)
ROUTED = bytes([60, 0]) + bytes(6) + bytes([6, 0]) + bytes(6)  # hop-by-hop, then destination options, then TCP

EXACT: dict[str, Mangle] = {
    "reordered": reordered,
    "duplicated": duplicated,
    "vlan": inserted(b"\x81\0\0\7"),
    "qinq": inserted(b"\x88\xa8\0\5\x81\0\0\7"),
    "mpls": lambda packets: inserted(b"\x88\x47\0\1\0\x40\0\1\1\x40")(
        [replace(packet, frame=packet.frame[:12] + packet.frame[14:], wire=packet.wire - 2) for packet in packets]
    ),
    "gre": outer(47, struct.pack("!HH", 0, 0x0800), 14),
    "gre with key": outer(47, struct.pack("!HHI", 0x2000, 0x6558, 9), 0),
    "erspan 1": outer(47, struct.pack("!HH", 0, 0x88BE), 0),
    "erspan 2": outer(47, ERSPAN2, 0),
    "erspan 3": outer(47, ERSPAN3, 0),
    "vxlan": datagram(4789, b"\x08" + bytes(7)),
    "geneve": datagram(6081, b"\0\0\x65\x58" + bytes(4)),
    "geneve with an option": datagram(6081, b"\2\0\x65\x58" + bytes(12)),
    "fragments": fragmented,
    "ipv6": ipv6(b""),
    "ipv6 with extensions": ipv6(ROUTED, 0),
    "ipv6 fragment header": ipv6(bytes([6, 0, 0, 0, 0, 0, 0, 9]), 44),
    "big tcp": offloaded,
    "jumbograms": jumbo,
}
"""What must change nothing."""

LOSSY: dict[str, Mangle] = {
    "loss of 0.5 %": lossy,
    "loss of 1 %": lambda packets: lossy(packets, 0.01),
    "loss of 3 %": lambda packets: lossy(packets, 0.03),
    "snap of 96": snapped,
    "snap of 128": lambda packets: snapped(packets, 128),
    "snap of 256": lambda packets: snapped(packets, 256),
}
"""What takes something away."""

ONE_SIDED: dict[str, Mangle] = {"clients only": one_sided(True), "servers only": one_sided(False)}
"""What leaves one direction of every connection."""
