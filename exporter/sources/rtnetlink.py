"""Encodes and decodes the kernel's list of interface addresses; pure. Layout: include/uapi/linux/if_addr.h"""

import socket
import struct

_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ADDRESS_HEADER_BYTES = 8
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_OCTETS: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}


def request() -> bytes:
    """Return the question for the addresses of all interfaces and families."""
    return _HEADER.pack(_HEADER.size + _ADDRESS_HEADER_BYTES, _RTM_GETADDR, 0x301, 1, 0) + bytes(_ADDRESS_HEADER_BYTES)


def decode(buffer: bytes, found: set[str]) -> bool:
    """Add the addresses of one datagram in text; return whether the answer is complete.

    Raises:
        OSError: the kernel answers with an error.
        ValueError: the bytes are no such answer.
    """
    offset = 0
    while offset < len(buffer):
        if len(buffer) - offset < 16:
            raise ValueError(f"{len(buffer) - offset} bytes left, too few for a header")
        length, kind = struct.unpack_from("=IH", buffer, offset)
        if kind == _NLMSG_DONE:
            return True
        if kind == _NLMSG_ERROR:
            (code,) = struct.unpack_from("=i", buffer.ljust(offset + 20, b"\0"), offset + 16)
            raise OSError(-code, "rtnetlink refused")
        if length < 16 or offset + length > len(buffer):
            raise ValueError(f"message of {length} bytes at {offset} of {len(buffer)}")
        if kind == _RTM_NEWADDR and length >= 24:
            found.update(_addresses(buffer[offset + 16 : offset + length]))
        offset += (length + 3) & ~3
    return False


def _addresses(message: bytes) -> set[str]:
    """Return the addresses of one interface: its own and, on a point-to-point link, only its own."""
    family = message[0]
    octets = _OCTETS.get(family)
    attributes: dict[int, bytes] = {}
    offset = _ADDRESS_HEADER_BYTES
    while offset + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, offset)
        if length < 4:
            break
        attributes[kind] = message[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    # On a point-to-point link IFA_ADDRESS is the peer's.
    own = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS) or b""
    return {socket.inet_ntop(family, own)} if octets == len(own) else set()
