"""The network interfaces that are up, and what their frames begin with."""

import ctypes
import fcntl
import socket
import struct
from dataclasses import dataclass

SIOCGIFFLAGS = 0x8913
SIOCGIFHWADDR = 0x8927
SIOCETHTOOL, ETHTOOL_GET_DRIVER = 0x8946, 3
INNER_DRIVERS = (b"veth", b"macvlan", b"ipvlan")
IFF_UP = 0x1
IFF_LOOPBACK = 0x8
LINK_ETHERNET = 1
LINK_RAW_IP = 101
# Interface types (ARPHRD_) whose frames carry an Ethernet header; those of tunnels and tun devices begin with IP.
ETHERNET_TYPES = frozenset({1, 772})
RAW_TYPES = frozenset({512, 519, 768, 769, 776, 65534})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Which interface of which zone (`net/zones.py`)."""

    zone: int
    index: int


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface; `link` is the LINKTYPE_ of its frames, `zone` that of its network namespace."""

    name: str
    index: int
    loopback: bool
    link: int
    zone: int = 0

    @property
    def place(self) -> Place:
        """Return what tells it from every other."""
        return Place(self.zone, self.index)


def interfaces_up(zone: int = 0) -> tuple[Interface, ...]:
    """Return the interfaces of this thread's namespace that are up and whose frames can be read, loopback first.

    Args:
        zone: what is said of them.
    """
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for index, name in socket.if_nameindex():
            interface = _look(control, index, name, zone)
            if interface is not None:
                found.append(interface)
    return tuple(sorted(found, key=lambda interface: (not interface.loopback, interface.index)))


def is_inner_end(name: str) -> bool:
    """Return whether what passes an interface of this thread's namespace passes another one outside, as of a container.

    That is told by its driver. An interface that does not tell it is none.
    """
    answer = bytearray(struct.pack("I192x", ETHTOOL_GET_DRIVER))
    held = (ctypes.c_char * len(answer)).from_buffer(answer)
    request = struct.pack("16sP16x", name.encode(), ctypes.addressof(held))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            fcntl.ioctl(control, SIOCETHTOOL, request)
        except OSError:
            return False
    return bytes(answer[4:36]).partition(b"\0")[0] in INNER_DRIVERS


def _look(control: socket.socket, index: int, name: str, zone: int) -> Interface | None:
    request = struct.pack("16s24x", name.encode())
    try:
        flags = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)[0]
        kind = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFHWADDR, request), 16)[0]
    except OSError:
        return None  # it went while we looked
    if not flags & IFF_UP or kind not in ETHERNET_TYPES | RAW_TYPES:
        return None
    link = LINK_ETHERNET if kind in ETHERNET_TYPES else LINK_RAW_IP
    return Interface(name, index, bool(flags & IFF_LOOPBACK), link, zone)
