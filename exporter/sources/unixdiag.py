"""Asks the kernel for Unix stream sockets and what they are connected to.

Layout: include/uapi/linux/unix_diag.h
"""

import socket
import struct
from collections.abc import Callable
from contextlib import closing

from exporter.services.unixedges import UnixSocket
from exporter.sources.netlink import diag_channel
from exporter.sources.sockdiag import SOCK_DIAG_BY_FAMILY, Head, head

_REQUEST = struct.Struct("=BBHIIIII")
_HEADER = struct.Struct("=IHHII")
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ESTABLISHED = 1
_SHOW_NAME, _SHOW_PEER = 1, 4
_NAME, _PEER = 0, 2
_FIXED = 32  # bytes before the attributes
_RECEIVE_BYTES = 1 << 15


def unix_connections(open_channel: Callable[[], socket.socket] = diag_channel) -> dict[int, UnixSocket]:
    """Return the connected stream sockets of this network namespace by inode.

    Raises:
        OSError: the kernel refuses or does not answer.
        ValueError: the answer cannot be decoded.
    """
    found: dict[int, UnixSocket] = {}
    with closing(open_channel()) as channel:
        channel.send(request())
        while not decode(channel.recv(_RECEIVE_BYTES), found):
            pass
    return found


def request() -> bytes:
    """Return the question for all connected sockets, with their names and peers."""
    body = _REQUEST.pack(socket.AF_UNIX, 0, 0, 1 << _ESTABLISHED, 0, _SHOW_NAME | _SHOW_PEER, 0, 0)
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, _DUMP, 1, 0) + body


def decode(buffer: bytes, found: dict[int, UnixSocket]) -> bool:
    """Add the stream sockets of one datagram by inode; return whether the answer is complete.

    Raises:
        DiagError: the kernel answers with an error.
        ValueError: the bytes are no such answer.
    """
    offset = 0
    while offset < len(buffer):
        if head(buffer, offset, _FIXED) is Head.DONE:
            return True
        (length,) = struct.unpack_from("=I", buffer, offset)
        kind, state, inode = struct.unpack_from("=xBBxI", buffer, offset + 16)
        if kind == socket.SOCK_STREAM and state == _ESTABLISHED:
            found[inode] = _socket(buffer[offset + _FIXED : offset + length])
        offset += (length + 3) & ~3
    return False


def _socket(attributes: bytes) -> UnixSocket:
    at, peer, is_named = 0, 0, False
    while at + 4 <= len(attributes):
        size, kind = struct.unpack_from("=HH", attributes, at)
        if size < 4 or at + size > len(attributes):
            raise ValueError(f"attribute of {size} bytes at {at} of {len(attributes)}")
        if kind == _PEER and size >= 8:
            (peer,) = struct.unpack_from("=I", attributes, at + 4)
        is_named = is_named or kind == _NAME
        at += (size + 3) & ~3
    return UnixSocket(peer, is_named)
