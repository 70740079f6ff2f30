"""Packets made by hand, and a consumer that keeps what it is given."""

import struct
from dataclasses import dataclass, field
from ipaddress import ip_address

from exporter.model import Flow
from exporter.net.stream import End

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 8080)
Side = tuple[str, int]


def tcp(source: Side, target: Side, sequence: int, payload: bytes = b"", flags: int = ACK, ack: int = 0) -> bytes:
    """Return an Ethernet frame with one TCP segment."""
    header = struct.pack("!HHIIBBHHH", source[1], target[1], sequence % 2**32, ack % 2**32, 0x50, flags, 65535, 0, 0)
    return ethernet(ip(source[0], target[0], 6, header + payload))


def udp(source: Side, target: Side, payload: bytes) -> bytes:
    """Return an Ethernet frame with one UDP datagram."""
    header = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0)
    return ethernet(ip(source[0], target[0], 17, header + payload))


def ip(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    """Return an IPv4 or IPv6 packet."""
    addresses = ip_address(source).packed + ip_address(target).packed
    if len(addresses) == 8:
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + addresses + payload
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload


def ethernet(packet: bytes, kind: int | None = None) -> bytes:
    """Return an Ethernet frame around an IP packet, or around what has the EtherType `kind`."""
    guessed = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return bytes(12) + struct.pack("!H", guessed if kind is None else kind) + packet


@dataclass
class Consumer:
    """Keeps every call; asks to skip what `skips` says, by direction and offset reached."""

    flow: Flow
    skips: dict[tuple[int, int], int] = field(default_factory=dict)
    calls: list[tuple[str, int, bytes | int, int]] = field(default_factory=list)
    reached: list[int] = field(default_factory=lambda: [0, 0])
    ended: End | None = None

    def data(self, direction: int, payload: bytes, at: int) -> int:
        assert isinstance(payload, bytes)
        assert payload
        assert self.ended is None
        self.calls.append(("data", direction, payload, at))
        return self._reach(direction, len(payload))

    def gap(self, direction: int, size_bytes: int, at: int) -> int:
        assert self.ended is None
        self.calls.append(("gap", direction, size_bytes, at))
        return self._reach(direction, size_bytes)

    def end(self, reason: End, at: int) -> None:
        assert self.ended is None
        self.ended = reason
        self.calls.append(("end", -1, reason.value.encode(), at))

    def bytes(self, direction: int, lost: bytes = b"?") -> bytes:
        """Return what came in one direction, `lost` for each byte of a gap."""
        parts = [call for call in self.calls if call[1] == direction]
        return b"".join(part[2] if isinstance(part[2], bytes) else lost * part[2] for part in parts)

    def _reach(self, direction: int, size: int) -> int:
        self.reached[direction] += size
        return self.skips.get((direction, self.reached[direction]), 0)


@dataclass
class Opened:
    """An opener that keeps its consumers; None for ports in `ignored`."""

    skips: dict[tuple[int, int], int] = field(default_factory=dict)
    ignored: frozenset[int] = frozenset()
    consumers: list[Consumer] = field(default_factory=list)

    def __call__(self, flow: Flow, at: int) -> Consumer | None:
        if flow.server.port in self.ignored:
            return None
        self.consumers.append(Consumer(flow, self.skips))
        return self.consumers[-1]

    @property
    def only(self) -> Consumer:
        """The one consumer there is."""
        (consumer,) = self.consumers
        return consumer
