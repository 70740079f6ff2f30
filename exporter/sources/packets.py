"""Chooses how packets are captured."""

import socket
from typing import TYPE_CHECKING

from exporter.sources.source import PacketSource

if TYPE_CHECKING:
    from exporter.sources.namespaces import Namespaces

HAS_RINGS = hasattr(socket, "AF_PACKET")


def open_packets(
    method: str,
    interfaces: tuple[str, ...],
    snap_bytes: int,
    memory_bytes: int,
    has_rings: bool = HAS_RINGS,
    filters: str = "auto",
    namespaces: "Namespaces | None" = None,
) -> PacketSource:
    """Return the capture of a host's interfaces.

    Args:
        method: `bpf`, `ring`, `scapy`, or `auto` for the first of them that the system has.
        interfaces: the names to capture; every interface where it is empty.
        snap_bytes: how much to copy of packets that are too long to be copied whole.
        memory_bytes: for packets and flows.
        filters: which filter the kernel runs, `ebpf`, `classic` or `auto`.
        namespaces: the network namespaces to follow beside this process's own; only by rings.
        has_rings: whether the system has what rings need.

    Raises:
        SourceError: no interface at all can be captured; says what is missing.
    """
    # Each is imported where it is wanted: neither's modules need be there on a system that uses the other.
    if method == "scapy" or (method == "auto" and not has_rings):
        from exporter.sources.sniff import SniffedCapture  # noqa: PLC0415

        return SniffedCapture(interfaces)
    from exporter.sources.capture import Capture  # noqa: PLC0415

    return Capture(interfaces, snap_bytes, memory_bytes, filters=filters, method=method, namespaces=namespaces)
