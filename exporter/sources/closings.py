"""Hears of every TCP socket that is closed, with the last that TCP knew of it.

Looks once a second see but the sockets that are there at that moment. The notices come in the background, and wait in
the kernel until they are fetched; many are fetched at once. With CAP_NET_ADMIN the kernel keeps thousands of them, else
hundreds (net.core.rmem_max).
"""

import ctypes
import errno
import os
import socket
import threading
from collections.abc import Callable

from exporter.services.tcpsocket import TcpSocket
from exporter.sources.netlink import diag_channel
from exporter.sources.tcptable import TcpTable

_GROUPS = (1, 3)  # SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY (include/uapi/linux/sock_diag.h)
_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP = 270, 1
_SO_RCVBUFFORCE = 33
# A notice takes up about 1.3 KB in the kernel: 10,000 closings per second wait for more than two seconds.
_BUFFER_BYTES = 32 << 20
_BATCH = 256
_NOTICE_BYTES = 512
MAX_HELD = 65_536  # notices that nobody takes


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """`struct msghdr`."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_bytes", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Header(ctypes.Structure):
    """`struct mmsghdr`."""

    _fields_ = (("message", _Message), ("received", ctypes.c_uint32))


class Closings:
    """The notices of one network namespace; may be used from any thread.

    Attributes:
        has_room: whether the kernel keeps as many notices as are asked for.
        overflows: how often notices were lost, as more waited than the kernel or this process keeps.
    """

    def __init__(self, open_channel: Callable[[], socket.socket] = diag_channel) -> None:
        """Begin to listen.

        Raises:
            OSError: it is not permitted, or there is no such thing.
        """
        self._channel = open_channel()
        try:
            self.has_room = _subscribe(self._channel)
        except OSError:
            self._channel.close()
            raise
        self._lock = threading.Lock()
        self._held: list[TcpSocket] = []
        self._table = TcpTable()
        self.overflows = 0
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._buffer = ctypes.create_string_buffer(_BATCH * _NOTICE_BYTES)
        self._view = memoryview(self._buffer)
        self._vectors = (_Vector * _BATCH)()
        self._headers = (_Header * _BATCH)()
        base, step = ctypes.addressof(self._buffer), ctypes.sizeof(_Vector)
        for index in range(_BATCH):
            self._vectors[index] = _Vector(base + index * _NOTICE_BYTES, _NOTICE_BYTES)
            self._headers[index].message.vectors = ctypes.addressof(self._vectors) + index * step
            self._headers[index].message.vector_count = 1

    def drain(self) -> None:
        """Fetch what waits in the kernel.

        Raises:
            OSError: the channel is broken.
            ValueError: a notice is none.
        """
        with self._lock:
            while (count := self._receive()) != 0:
                for index in range(count):
                    self._hold(index)

    def take(self) -> list[TcpSocket]:
        """Return the sockets closed since the last time.

        Raises:
            OSError, ValueError: as for `drain`.
        """
        self.drain()
        with self._lock:
            held, self._held = self._held, []
        return held

    def close(self) -> None:
        """Listen no longer."""
        with self._lock:
            self._channel.close()

    def _receive(self) -> int:
        """Receive a batch; return how many notices, 0 where none waits, -1 where some were lost."""
        if self._channel.fileno() < 0:
            return 0
        flags = socket.MSG_DONTWAIT | socket.MSG_TRUNC
        count = int(self._libc.recvmmsg(self._channel.fileno(), self._headers, _BATCH, flags, None))
        if count >= 0:
            return count
        code = ctypes.get_errno()
        if code in (errno.EAGAIN, errno.EINTR):
            return 0
        if code == errno.ENOBUFS:
            self.overflows += 1
            return -1
        raise OSError(code, os.strerror(code))

    def _hold(self, index: int) -> None:
        size, start = self._headers[index].received, index * _NOTICE_BYTES
        if size > _NOTICE_BYTES or len(self._held) >= MAX_HELD:
            self.overflows += 1
        else:
            self._held.append(self._table.notice(bytes(self._view[start : start + size])))


def _subscribe(channel: socket.socket) -> bool:
    """Join the groups; return whether there is room for as many notices as are asked for."""
    try:
        channel.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except PermissionError:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    channel.bind((0, 0))
    for group in _GROUPS:
        channel.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)
    # The kernel tells twice of what it gives.
    return channel.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= _BUFFER_BYTES
