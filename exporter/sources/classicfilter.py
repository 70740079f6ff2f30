"""Classic BPF socket filters: the kernel drops what the packet path has no use for, before copying it.

Kept are TCP segments with payload or with SYN, FIN or RST, IP fragments, IPv6 with extension headers, tunnels, DNS, and
frames with tags or labels that the filter cannot look behind. Acknowledgements alone, ARP, ICMP and most UDP go.

Source: Linux, Documentation/networking/filter.rst.
"""

import ctypes
import socket
import struct
from dataclasses import dataclass, replace

from exporter.net.lengths import Bodies

SO_ATTACH_FILTER = 26
TUNNEL_PORTS = (4789, 8472, 6081)  # VXLAN, VXLAN before it had a port, Geneve
TUNNEL_PROTOCOLS = (4, 41, 47)  # IPv4 in IP, IPv6 in IP, GRE
DNS_PORT = 53
DNS_CLEAR = 0x4040  # bits of a DNS header's flags that are never set
EXTENSION_HEADERS = (0, 43, 44, 51, 60)
TCP, UDP = 6, 17
ARP = 0x806

# Operation codes: load a word, half word or byte, absolute or behind the index register X; and so on.
LOAD_LENGTH, LOAD_HALF, LOAD_BYTE = 0x80, 0x28, 0x30
LOAD_HALF_INDEXED, LOAD_BYTE_INDEXED, LOAD_HEADER_LENGTH = 0x48, 0x50, 0xB1
LOAD_VALUE, LOAD_KEPT = 0x00, 0x60
AND, SHIFT_LEFT, SHIFT_RIGHT, ADD_INDEX, TO_INDEX = 0x54, 0x64, 0x74, 0x0C, 0x07
LOAD_WORD, XOR, XOR_INDEX, MULTIPLY, KEEP, LOAD_INDEX_KEPT = 0x20, 0xA4, 0xAC, 0x24, 0x02, 0x61
IF_EQUAL, IF_BITS, IF_MORE_THAN, IF_MORE_THAN_INDEX, JUMP, RETURN = 0x15, 0x45, 0x25, 0x2D, 0x05, 0x06
WHOLE = 0x40000  # more than any packet is long
JUDGED = WHOLE - 1  # what a program returns of which only the beginning is wanted, for all that it keeps
CUT_CELL = 2  # the scratch memory's cell that says what a long packet is known to hold
BODY, MESSAGES = 1, 2


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation; `then` and `otherwise` are labels, empty for the next instruction."""

    code: int
    operand: int = 0
    then: str = ""
    otherwise: str = ""


Line = Instruction | str
"""An instruction, or a label for the one that follows."""


@dataclass(frozen=True, slots=True)
class Snap:
    """How much of a packet to copy: packets up to `whole_bytes` whole, of longer ones the first `head_bytes`.

    Of TCP packets longer than `head_bytes` that hold `bodies` no more than those is copied either. Those that hold
    `messages` are copied whole at any rate, where programs are judged elsewhere.
    """

    whole_bytes: int
    head_bytes: int
    bodies: frozenset[Bodies] = frozenset()
    messages: frozenset[Bodies] = frozenset()


@dataclass(frozen=True, slots=True)
class Sample:
    """Which flows to keep: one in `flows`, chosen by the salt, both directions of a TCP connection alike.

    Attributes:
        flows: a power of two, at most 65,536; 1 for all.
        salt: 32 random bits; every flow is as likely to be kept as any other. What is no TCP goes or stays as one flow.
    """

    flows: int = 1
    salt: int = 0


ALL = Sample()
NOTHING = struct.pack("=HBBI", RETURN, 0, 0, 0)  # the program that keeps no packet


@dataclass(frozen=True, slots=True)
class Kept:
    """Which packets of an interface to keep, and how much of them; the fields are the arguments of `payload_filter`."""

    snap: Snap
    link_header: int
    datagrams: bool = False
    sample: Sample = ALL


def payload_filter(
    snap: Snap, link_header: int, datagrams: bool = False, sample: Sample = ALL, judged: bool = False
) -> bytes:
    """Return the filter's program, in `sock_filter` structures of 8 bytes.

    Args:
        snap: how much to copy of the packets that are kept.
        link_header: 14 for Ethernet, 0 where frames begin with IP.
        datagrams: whether to keep all of UDP rather than only tunnels and DNS.
        sample: which flows are kept.
        judged: whether how much to copy is found out elsewhere: `JUDGED` is returned for all that is kept, and
            `CUT_CELL` is `BODY` or `MESSAGES` for what is known to hold either, if anything is.

    Raises:
        ValueError: the flows are no power of two.
    """
    if not judged:
        snap = replace(snap, messages=frozenset())
    known = [Instruction(LOAD_VALUE, 0), Instruction(KEEP, CUT_CELL)] if snap.bodies or snap.messages else []
    lines = [
        *known,
        *_family(link_header),
        *_ipv4(link_header, datagrams),
        *_ipv6(link_header, datagrams),
        *_bodies(link_header, snap),
        *_sampled(link_header, sample),
        "keep",
        *([Instruction(RETURN, JUDGED)] if judged else _by_length(snap)),
        "drop",
        *([] if sample.flows == 1 or sample.salt >> 33 - sample.flows.bit_length() == 0 else ["other"]),
        Instruction(RETURN, 0),
    ]
    return assemble(lines)


def _by_length(snap: Snap) -> list[Line]:
    return [
        Instruction(LOAD_LENGTH),
        Instruction(IF_MORE_THAN, snap.whole_bytes, "cut"),
        *([Instruction(LOAD_KEPT, CUT_CELL), Instruction(IF_EQUAL, BODY, "cut")] if snap.bodies else []),
        Instruction(RETURN, WHOLE),
        "cut",
        Instruction(RETURN, snap.head_bytes),
    ]


def _family(link_header: int) -> list[Line]:
    if link_header == 0:
        return [
            Instruction(LOAD_BYTE, 0),
            Instruction(AND, 0xF0),
            Instruction(IF_EQUAL, 0x40, "ipv4"),
            Instruction(IF_EQUAL, 0x60, "ipv6", "drop"),
        ]
    return [
        Instruction(LOAD_HALF, 12),
        Instruction(IF_EQUAL, 0x800, "ipv4"),
        Instruction(IF_EQUAL, 0x86DD, "ipv6"),
        Instruction(IF_EQUAL, ARP, "drop", "other"),
    ]


def _ipv4(ip: int, datagrams: bool) -> list[Line]:
    return [
        "ipv4",
        Instruction(LOAD_HALF, ip + 6),
        Instruction(IF_BITS, 0x3FFF, "other"),  # a fragment
        Instruction(LOAD_HEADER_LENGTH, ip),
        Instruction(LOAD_BYTE, ip + 9),
        Instruction(IF_EQUAL, TCP, "tcp4"),
        Instruction(IF_EQUAL, UDP, "udp4"),
        *_one_of(TUNNEL_PROTOCOLS),
        "udp4",
        *([Instruction(JUMP, 0, "other")] if datagrams else []),
        *_datagrams(LOAD_HALF_INDEXED, ip),
        "tcp4",
        Instruction(LOAD_BYTE_INDEXED, ip + 13),
        Instruction(IF_BITS, 7, "tcp4 kept"),  # FIN, SYN, RST
        Instruction(LOAD_BYTE_INDEXED, ip + 12),
        Instruction(SHIFT_RIGHT, 4),
        Instruction(SHIFT_LEFT, 2),
        Instruction(ADD_INDEX),
        Instruction(TO_INDEX),
        Instruction(LOAD_HALF, ip + 2),
        Instruction(IF_EQUAL, 0, "tcp4 kept"),  # segmentation offload beyond 64 KB
        Instruction(IF_MORE_THAN_INDEX, 0, "tcp4 kept", "drop"),
    ]


def _ipv6(ip: int, datagrams: bool) -> list[Line]:
    return [
        "ipv6",
        Instruction(LOAD_BYTE, ip + 6),
        Instruction(IF_EQUAL, TCP, "tcp6"),
        Instruction(IF_EQUAL, UDP, "udp6"),
        *_one_of((*TUNNEL_PROTOCOLS, *EXTENSION_HEADERS)),
        "udp6",
        *([Instruction(JUMP, 0, "other")] if datagrams else []),
        *_datagrams(LOAD_HALF, ip + 40),
        "tcp6",
        Instruction(LOAD_BYTE, ip + 53),
        Instruction(IF_BITS, 7, "tcp6 kept"),
        Instruction(LOAD_BYTE, ip + 52),
        Instruction(SHIFT_RIGHT, 4),
        Instruction(SHIFT_LEFT, 2),
        Instruction(TO_INDEX),
        Instruction(LOAD_HALF, ip + 4),
        Instruction(IF_EQUAL, 0, "tcp6 kept"),
        Instruction(IF_MORE_THAN_INDEX, 0, "tcp6 kept", "drop"),
    ]


def _bodies(ip: int, snap: Snap) -> list[Line]:
    """Mark long packets that are known to hold bodies or messages."""
    if not snap.bodies and not snap.messages:
        return ["tcp4 kept", Instruction(JUMP, 0, "flow4"), "tcp6 kept", Instruction(JUMP, 0, "flow6")]
    known = [*((one, "body") for one in sorted(snap.bodies)), *((one, "messages") for one in sorted(snap.messages))]
    tests = [
        [Instruction(IF_EQUAL, one.port, label) for one, label in known if one.direction == direction]
        for direction in (1, 0)
    ]
    lines: list[Line] = []
    for version, loads in (("4", (LOAD_HALF_INDEXED, ip)), ("6", (LOAD_HALF, ip + 40))):
        load, port = loads
        lines += [
            f"tcp{version} kept",
            Instruction(LOAD_LENGTH),
            Instruction(IF_MORE_THAN, snap.head_bytes, "", f"flow{version}"),
            *([Instruction(LOAD_HEADER_LENGTH, ip)] if version == "4" else []),
            Instruction(load, port),
            *tests[0],
            Instruction(load, port + 2),
            *tests[1],
            Instruction(JUMP, 0, f"flow{version}"),
        ]
    return [
        *lines,
        "messages",
        Instruction(LOAD_VALUE, MESSAGES),
        Instruction(JUMP, 0, "known"),
        "body",
        Instruction(LOAD_VALUE, BODY),
        "known",
        Instruction(KEEP, CUT_CELL),
        Instruction(LOAD_BYTE, ip),
        Instruction(AND, 0xF0),
        Instruction(IF_EQUAL, 0x40, "flow4", "flow6"),
    ]


def _sampled(ip: int, sample: Sample) -> list[Line]:
    """Keep a flow if the highest bits of its hash are 0: XOR of the addresses and sum of the ports, times the salt."""
    bits = sample.flows.bit_length() - 1
    if bits not in range(17) or sample.flows != 1 << bits:
        raise ValueError(f"one flow in {sample.flows} cannot be kept")
    if bits == 0:
        return ["flow4", "flow6", "other"]
    others: list[Line] = ["other"] if sample.salt >> 32 - bits == 0 else []
    ends: list[Line] = [
        "hash",
        Instruction(LOAD_INDEX_KEPT, 0),
        Instruction(XOR_INDEX),
        Instruction(XOR, sample.salt),
        Instruction(MULTIPLY, sample.salt | 1),
        Instruction(SHIFT_RIGHT, 32 - bits),
        Instruction(IF_EQUAL, 0, "keep", "drop"),
    ]
    return [
        "flow4",
        *_kept_addresses(ip + 12, ip + 16),
        Instruction(LOAD_HEADER_LENGTH, ip),
        Instruction(LOAD_HALF_INDEXED, ip),
        Instruction(KEEP, 1),
        Instruction(LOAD_HALF_INDEXED, ip + 2),
        Instruction(LOAD_INDEX_KEPT, 1),
        Instruction(ADD_INDEX),
        Instruction(JUMP, 0, "hash"),
        "flow6",
        *_kept_addresses(ip + 20, ip + 36),
        Instruction(LOAD_HALF, ip + 40),
        Instruction(TO_INDEX),
        Instruction(LOAD_HALF, ip + 42),
        Instruction(ADD_INDEX),
        *ends,
        *others,
    ]


def _kept_addresses(source: int, target: int) -> list[Line]:
    return [
        Instruction(LOAD_WORD, source),
        Instruction(TO_INDEX),
        Instruction(LOAD_WORD, target),
        Instruction(XOR_INDEX),
        Instruction(KEEP, 0),
    ]


def _datagrams(load: int, udp: int) -> list[Line]:
    """Keep tunnels, DNS on its port, and on any other port what has the flags and the one question of DNS."""
    return [
        Instruction(load, udp + 2),
        *(Instruction(IF_EQUAL, port, "other") for port in (*TUNNEL_PORTS, DNS_PORT)),
        Instruction(load, udp),
        Instruction(IF_EQUAL, DNS_PORT, "other"),
        Instruction(load, udp + 10),
        Instruction(IF_BITS, DNS_CLEAR, "drop"),
        Instruction(load, udp + 12),
        Instruction(IF_EQUAL, 1, "other", "drop"),
    ]


def _one_of(values: tuple[int, ...]) -> list[Line]:
    """Take the packet for one that is no TCP if the accumulator is one of the values, else drop it."""
    return [*(Instruction(IF_EQUAL, value, "other") for value in values), Instruction(JUMP, 0, "drop")]


def assemble(lines: list[Line]) -> bytes:
    """Return the program with its labels resolved.

    Raises:
        ValueError: a label is missing, lies behind its jump, or too far ahead.
    """
    places: dict[str, int] = {}
    instructions: list[Instruction] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(instructions)
        else:
            instructions.append(line)
    return b"".join(_encode(line, number, places) for number, line in enumerate(instructions))


def _encode(line: Instruction, number: int, places: dict[str, int]) -> bytes:
    jumps = []
    for label in (line.then, line.otherwise):
        if label and label not in places:
            raise ValueError(f"no label {label!r} in the filter")
        jumps.append(places[label] - number - 1 if label else 0)
    if not all(0 <= jump < 256 for jump in jumps):
        raise ValueError(f"a jump of {jumps} instructions in the filter")
    if line.code == JUMP:
        return struct.pack("=HBBI", line.code, 0, 0, jumps[0])
    return struct.pack("=HBBI", line.code, *jumps, line.operand)


def attach(sock: socket.socket, program: bytes) -> None:
    """Set the socket's filter.

    Raises:
        OSError: the kernel refused the program.
    """
    code = ctypes.create_string_buffer(program, len(program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program) // 8, ctypes.addressof(code)))
