"""Reads the packets of rare link types by scapy's dissectors; those of the usual ones go straight through.

scapy is imported at the first packet that needs it: it takes a second and 40 MB.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from mmap import mmap
from typing import Any, Literal

from exporter.model import Nanoseconds
from exporter.net.links import LINKS
from exporter.sources.pcapfile import Sink

RAW_IP = 101


@dataclass(frozen=True, slots=True)
class Scapy:
    """scapy's dissectors by link type, and the layers that are looked for; no dissectors where it is not installed."""

    dissectors: dict[int, Any]
    network: tuple[Any, ...]

    def knows(self, link: int) -> bool:
        """Return whether packets of the link type can be read."""
        return link in self.dissectors

    def packet(self, data: bytes, link: int) -> bytes:
        """Return the first IP packet in a frame; nothing if there is none."""
        try:
            layers = self.dissectors[link](data)
            found = next((layer for kind in self.network if (layer := layers.getlayer(kind)) is not None), None)
            return bytes(found.original) if found is not None else b""
        except Exception:  # dissectors raise what they like on hostile bytes
            return b""


def load_scapy() -> Scapy:
    """Return what scapy can do, which is nothing where it is not installed."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)  # it has a line to say of many a packet
    try:
        import_module("scapy.layers.all")
        config: Any = import_module("scapy.config").conf
        inet, inet6 = import_module("scapy.layers.inet"), import_module("scapy.layers.inet6")
    except ImportError:
        return Scapy({}, ())
    return Scapy(dict(config.l2types.num2layer), (inet.IP, inet6.IPv6))


class Dissecting:
    """A sink before another one: gives it the IP packets of the link types that it does not know.

    Attributes:
        unknown: link type -> packets of which nobody can make anything; the other sink gets them as they are.
    """

    def __init__(self, sink: Sink, load: Callable[[], Scapy] = load_scapy) -> None:
        self.unknown: Counter[int] = Counter()
        self._sink = sink
        self._load = load
        self._scapy: Scapy | None = None

    def records(self, data: mmap, start: int, swapped: bool, fraction_ns: int, link: int, end: int) -> int:
        """Read the whole classic records in `data` from `start` to `end`; return where the rest begins."""
        if link in LINKS:
            return self._sink.records(data, start, swapped, fraction_ns, link, end)
        order: Literal["big", "little"] = "big" if swapped else "little"
        at = start
        while at + 16 <= end:
            words = [int.from_bytes(data[place : place + 4], order) for place in range(at, at + 16, 4)]
            if at + 16 + words[2] > end:
                break
            when = words[0] * 1_000_000_000 + words[1] * fraction_ns
            self.frame(data[at + 16 : at + 16 + words[2]], link, words[3], when)
            at += 16 + words[2]
        return at

    def frame(self, data: bytes, link: int, wire: int, at: Nanoseconds) -> None:
        """Read one packet."""
        if link in LINKS:
            self._sink.frame(data, link, wire, at)
            return
        if self._scapy is None:
            self._scapy = self._load()
        packet = b""
        if self._scapy.knows(link):
            packet = self._scapy.packet(data, link)
        else:
            self.unknown[link] += 1
        if packet:
            self._sink.frame(packet, RAW_IP, len(packet) + max(0, wire - len(data)), at)
        else:
            self._sink.frame(data, link, wire, at)
