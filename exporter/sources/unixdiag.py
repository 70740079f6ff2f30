"""Asks the kernel for Unix stream sockets and what they are connected to.

Layout: include/uapi/linux/unix_diag.h
"""

import socket
import struct

from exporter.services.unixedges import UnixSocket
from exporter.sources.sockdiag import SOCK_DIAG_BY_FAMILY, attributes, padded, walk

_REQUEST = struct.Struct("=BBHIIIII")
_HEADER = struct.Struct("=IHHII")
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ESTABLISHED = 1
_SHOW_NAME, _SHOW_PEER = 1, 4
_NAME, _PEER = 0, 2
_FIXED = 32  # bytes before the attributes


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

    def take(offset: int, length: int) -> int:
        kind, state, inode = struct.unpack_from("=xBBxI", buffer, offset + 16)
        if kind == socket.SOCK_STREAM and state == _ESTABLISHED:
            found[inode] = _socket(buffer, offset + _FIXED, offset + length)
        return padded(length)

    return walk(buffer, take, _FIXED)


def _socket(buffer: bytes, begin: int, end: int) -> UnixSocket:
    peer, is_named = 0, False
    for kind, at, size in attributes(buffer, begin, end):
        if kind == _PEER and size >= 4:
            (peer,) = struct.unpack_from("=I", buffer, at)
        is_named = is_named or kind == _NAME
    return UnixSocket(peer, is_named)
