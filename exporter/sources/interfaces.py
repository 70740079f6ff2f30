"""The network interfaces that are up, and what their frames begin with."""

import fcntl
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

SIOCGIFFLAGS = 0x8913
SIOCGIFHWADDR = 0x8927
IFF_UP = 0x1
IFF_LOOPBACK = 0x8
LINK_ETHERNET = 1
LINK_RAW_IP = 101
# Interface types (ARPHRD_) whose frames carry an Ethernet header; those of tunnels and tun devices begin with IP.
ETHERNET_TYPES = frozenset({1, 772})
RAW_TYPES = frozenset({512, 519, 768, 769, 776, 65534})


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `link` is the LINKTYPE_ of its frames."""

    name: str
    index: int
    loopback: bool
    link: int


def interfaces_up() -> tuple[Interface, ...]:
    """Return the interfaces that are up and whose frames can be read, loopback first."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for index, name in socket.if_nameindex():
            interface = _look(control, index, name)
            if interface is not None:
                found.append(interface)
    return tuple(sorted(found, key=lambda interface: (not interface.loopback, interface.index)))


def _look(control: socket.socket, index: int, name: str) -> Interface | None:
    request = struct.pack("16s24x", name.encode())
    try:
        flags = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)[0]
        kind = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFHWADDR, request), 16)[0]
    except OSError:
        return None  # it went while we looked
    if not flags & IFF_UP or kind not in ETHERNET_TYPES | RAW_TYPES:
        return None
    return Interface(name, index, bool(flags & IFF_LOOPBACK), LINK_ETHERNET if kind in ETHERNET_TYPES else LINK_RAW_IP)


def packets_passed(devices: Path = Path("/proc/self/net/dev")) -> int:
    """Return how many packets all interfaces of this network namespace received and sent, -1 where that is not told."""
    try:
        lines = devices.read_bytes().split(b"\n")[2:-1]
        rows = [line.rpartition(b":")[2].split() for line in lines]
        return sum(int(row[1]) + int(row[9]) for row in rows)
    except (OSError, ValueError, IndexError):
        return -1
