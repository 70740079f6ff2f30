"""Encodes and decodes the kernel's sock_diag messages; pure, native byte order.

Layout: include/uapi/linux/inet_diag.h
"""

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import lru_cache

from exporter.model import Endpoint
from exporter.services.tcpsocket import TcpSocket
from exporter.services.view import ANY_ADDRESS
from exporter.sources.sockets import Socket

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
_TRANSPORTS = {TCP: "tcp", UDP: "udp"}

SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI48x")
# The question of old, the only one that is answered for both families at once, and so at half the cost.
_TCPDIAG_GETSOCK = 18
_OLD_REQUEST = struct.Struct("=BBBB48xII")
SOCKETS = (_TCPDIAG_GETSOCK, SOCK_DIAG_BY_FAMILY)  # what the messages on sockets are called, by the question

_MEMORY = 7  # INET_DIAG_SKMEMINFO
_DROPS = 8 * 4  # SK_MEMINFO_DROPS of include/uapi/linux/sock_diag.h
WITH_MEMORY = 1 << _MEMORY - 1  # among the extensions

ESTABLISHED, TIME_WAIT, CLOSE, LISTEN = 1, 6, 7, 10
# Sockets in TIME_WAIT belong to nobody and may outnumber all others.
LIVE_STATES = 0xFFF & ~(1 << TIME_WAIT)

# length, type | family, state | local port, remote port, addresses | cookie, queues, uid, inode
_MESSAGE = "=IH10xBBxx2s2s16s16s4xQ12xII"
MESSAGE_BYTES = struct.calcsize(_MESSAGE)


class DiagError(OSError):
    """The kernel refused the question; `errno` says why."""


class Head(Enum):
    """What a message is."""

    SOCKET = 0
    DONE = 1


def request(family: int, protocol: int, states: int = LIVE_STATES, extensions: int = 0) -> bytes:
    """Return the question for all sockets of a family and protocol in the given states.

    Args:
        extensions: a bit for each attribute that is wanted beside the fixed part.
    """
    body = _REQUEST.pack(family, protocol, extensions, states)
    return _HEADER.pack(_HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body


def tcp_request(extensions: int) -> bytes:
    """Return the question for all TCP sockets but those in TIME_WAIT; `extensions` as for `request`."""
    body = _OLD_REQUEST.pack(socket.AF_UNSPEC, 0, 0, extensions, LIVE_STATES, 0)
    return _HEADER.pack(_HEADER.size + len(body), _TCPDIAG_GETSOCK, _REQUEST_DUMP, 1, 0) + body


def decode(buffer: bytes, protocol: int, known: Mapping[int, Socket], live: dict[int, Socket]) -> bool:
    """Add the sockets of one datagram to `live` by cookie; return whether the answer is complete.

    Args:
        known: sockets of before; one that did not change is taken over instead of made again.

    Raises:
        DiagError: the kernel answers with an error.
        ValueError: the bytes are no such answer.
    """
    rest = memoryview(buffer)
    return walk(buffer, lambda offset, length: _run(rest[offset:], length, protocol, known, live))


def walk(buffer: bytes, take: Callable[[int, int], int], least: int = MESSAGE_BYTES) -> bool:
    """Go through the messages of one datagram; return whether the answer is complete.

    Args:
        take: gets the place and the length of a message on a socket; returns how many bytes it took, of those that
            follow too.
        least: the bytes that such a message has before its attributes.

    Raises:
        DiagError: the kernel answers with an error.
        ValueError: the bytes are no such answer.
    """
    offset = 0
    while offset < len(buffer):
        if head(buffer, offset, least) is Head.DONE:
            return True
        (length,) = struct.unpack_from("=I", buffer, offset)
        offset += take(offset, length)
    return False


def padded(length: int) -> int:
    """Return how many bytes a message or an attribute takes with what is behind it."""
    return (length + 3) & ~3


def head(buffer: bytes, offset: int, least: int = MESSAGE_BYTES) -> Head:
    """Return what the message at an offset is; a socket's is then known to be there whole.

    Args:
        least: the bytes that a message on a socket has before its attributes.

    Raises:
        DiagError: the kernel answers with an error.
        ValueError: there is no such message.
    """
    left = len(buffer) - offset
    if left < 16:
        raise ValueError(f"{left} bytes left, too few for a header")
    length, kind = struct.unpack_from("=IH", buffer, offset)
    if kind == _NLMSG_DONE:
        return Head.DONE
    if kind == _NLMSG_ERROR:
        (code,) = struct.unpack_from("=i", buffer.ljust(offset + 20, b"\0"), offset + 16)
        raise DiagError(-code, "sock_diag refused")
    if kind not in SOCKETS or length < least or length > left:
        raise ValueError(f"message of type {kind} and {length} bytes at {offset} of {len(buffer)}")
    return Head.SOCKET


def decode_drops(buffer: bytes, dropped: dict[int, int]) -> bool:
    """Add by inode how much each socket of one datagram ever dropped; return whether the answer is complete.

    Raises:
        DiagError: the kernel answers with an error.
        ValueError: the bytes are no such answer.
    """

    def take(offset: int, length: int) -> int:
        (inode,) = struct.unpack_from("=I", buffer, offset + MESSAGE_BYTES - 4)
        for kind, at, size in attributes(buffer, offset + MESSAGE_BYTES, offset + length):
            if kind == _MEMORY and size >= _DROPS + 4 and inode:
                (dropped[inode],) = struct.unpack_from("=I", buffer, at + _DROPS)
        return padded(length)

    return walk(buffer, take)


def attributes(buffer: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the kind, the place and the size of the attributes between two places, without their headers.

    Raises:
        ValueError: they are none.
    """
    while at + 4 <= end:
        size, kind = struct.unpack_from("=HH", buffer, at)
        if size < 4 or at + size > end:
            raise ValueError(f"attribute of {size} bytes at {at} of {end}")
        yield kind, at + 4, size - 4
        at += padded(size)


def _run(rest: memoryview, length: int, protocol: int, known: Mapping[int, Socket], live: dict[int, Socket]) -> int:
    """Decode the messages of equal length that `rest` begins with; return their bytes."""
    form = _form(length)
    taken = 0
    for row in form.iter_unpack(rest[: len(rest) // form.size * form.size]):
        if row[0] != length or row[1] != SOCK_DIAG_BY_FAMILY:
            break
        taken += form.size
        cookie, inode = row[8], row[10]
        before = known.get(cookie)
        if before is not None and (before.inode == inode or not inode):
            # Once its owner closed it, a socket has no inode; it still was that owner's.
            live[cookie] = before
        else:
            live[cookie] = _socket(row, protocol)
    return taken or length


@lru_cache(maxsize=64)
def _form(length: int) -> struct.Struct:
    # Attributes behind the fixed part differ by kernel and socket.
    return struct.Struct(f"{_MESSAGE}{padded(length) - MESSAGE_BYTES}x")


def _socket(row: tuple[int, int, int, int, bytes, bytes, bytes, bytes, int, int, int], protocol: int) -> Socket:
    _, _, family, state, local_port, remote_port, local, remote, _, uid, inode = row
    return Socket(
        transport=_TRANSPORTS[protocol],
        listening=state == LISTEN or (protocol == UDP and state == CLOSE),
        local=Endpoint(address(family, local), int.from_bytes(local_port)),
        remote=Endpoint(address(family, remote), int.from_bytes(remote_port)),
        inode=inode,
        uid=uid,
    )


def of_tcp(one: TcpSocket) -> Socket:
    """Return what there is to know of a TCP socket's place."""
    return Socket(
        transport="tcp",
        listening=one.state == LISTEN,
        local=Endpoint(address(one.family, one.local), one.local_port),
        remote=Endpoint(address(one.family, one.remote), one.remote_port),
        inode=one.inode,
        uid=one.uid,
    )


@lru_cache(maxsize=4096)
def address(family: int, octets: bytes) -> str:
    """Return an address of 16 octets in text, `*` for the unspecified one, an IPv4-mapped one as IPv4."""
    if family == socket.AF_INET6:
        if octets[:12] == b"\0" * 10 + b"\xff\xff":
            family, octets = socket.AF_INET, octets[12:]
        else:
            return ANY_ADDRESS if not any(octets) else socket.inet_ntop(socket.AF_INET6, octets)
    return ANY_ADDRESS if not any(octets[:4]) else socket.inet_ntop(socket.AF_INET, octets[:4])
