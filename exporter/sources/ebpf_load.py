"""Loads eBPF socket filters through bpf(2)."""

import ctypes
import os
import socket
import struct

from exporter.sources import ebpf
from exporter.sources.bpfcalls import CREATE_MAP, LOAD, bpf

LRU_HASH, SOCKET_FILTER = 9, 1
SO_ATTACH_BPF = 50
MAX_FLOWS = 16_384  # of which long packets were seen lately: 12 and 8 bytes each, and what the kernel adds
LICENSE = b"Apache-2.0\0"


class TurnFilter:
    """Attaches filters that ask for the flow of long packets; owns the map of those flows.

    Args:
        whole_bytes: how much to copy whole after a change of direction.
        head_bytes: how much of each long packet after that.
        link_header: 14 for Ethernet, 0 where frames begin with IP.

    Raises:
        SourceError: the kernel has no bpf(2), or does not permit it.
    """

    def __init__(self, whole_bytes: int, head_bytes: int, link_header: int) -> None:
        attributes = struct.pack("=5I", LRU_HASH, ebpf.KEY_BYTES, ebpf.VALUE_BYTES, MAX_FLOWS, 0)
        self._flows = bpf(CREATE_MAP, attributes, "no eBPF map")
        self._turns = ebpf.Turns(whole_bytes, head_bytes, link_header, self._flows)

    def load(self, program: bytes) -> int:
        """Return the descriptor of the translation of a classic program.

        Raises:
            SourceError: the kernel refused the program.
        """
        return load(ebpf.translate(program, self._turns))

    def attach(self, sock: socket.socket, program: bytes) -> None:
        """Set the socket's filter to the translation of a classic program.

        Raises:
            SourceError: the kernel refused the program.
            OSError: the socket refused it.
        """
        descriptor = self.load(program)
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, descriptor)
        finally:
            os.close(descriptor)  # the socket holds it from now on

    def close(self) -> None:
        """Give up the map; filters that are attached go on with it."""
        os.close(self._flows)


def load(program: bytes) -> int:
    """Return the descriptor of a socket filter.

    Raises:
        SourceError: the kernel refused it.
    """
    code = ctypes.create_string_buffer(program, len(program))
    terms = ctypes.create_string_buffer(LICENSE)
    places = (ctypes.addressof(code), ctypes.addressof(terms))
    return bpf(LOAD, struct.pack("=IIQQ", SOCKET_FILTER, len(program) // 8, *places), "no eBPF filter")
