"""Sends packets at a chosen rate: `python -m tests.live.support.paced INTERFACE PACKETS_PER_SECOND SECONDS`.

Requests and replies of many Redis connections, straight to the interface: no server could keep the pace on the cores
that a test has. Their addresses are nobody's, so that the kernel drops them behind the capture.
"""

import ctypes
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from tests.exporter.net.packets import ACK, PSH, tcp

CONNECTIONS = 64
SERVER = ("198.51.100.1", 6379)
REQUEST = b"*2\r\n$3\r\nGET\r\n$5\r\nkey:7\r\n"
REPLY = b"$3\r\nabc\r\n"
SEQUENCE_OFFSET = 14 + 20 + 4  # behind Ethernet and IPv4, of TCP's sequence and acknowledgement numbers
TICK_SECONDS = 0.001
ETH_P_IP = 0x0800
WRAP = 1 << 32


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """What sendmmsg(2) takes of each packet."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("sent", ctypes.c_uint),
    )


class Turns:
    """The packets of all connections, one after the other: a request of each, then a reply of each."""

    def __init__(self) -> None:
        self._frames = [bytearray(frame) for frame in _frames()]
        buffers = [(ctypes.c_char * len(frame)).from_buffer(frame) for frame in self._frames]
        self._vectors = [_Vector(ctypes.addressof(each), ctypes.sizeof(each)) for each in buffers]
        self.messages = (_Message * len(buffers))()
        for message, vector in zip(self.messages, self._vectors, strict=True):
            message.vectors, message.vector_count = ctypes.pointer(vector), 1
        self._round = 0

    def advance(self) -> None:
        """Have each connection go on with its next request."""
        self._round += 1
        asked, told = self._round * len(REQUEST) % WRAP, self._round * len(REPLY) % WRAP
        request = struct.pack("!II", asked, told)
        reply = struct.pack("!II", told, (asked + len(REQUEST)) % WRAP)
        span = slice(SEQUENCE_OFFSET, SEQUENCE_OFFSET + 8)
        for frame in self._frames[:CONNECTIONS]:
            frame[span] = request
        for frame in self._frames[CONNECTIONS:]:
            frame[span] = reply


def _frames() -> Iterator[bytes]:
    clients = [("198.51.100.2", 40_000 + number) for number in range(CONNECTIONS)]
    for client in clients:
        yield tcp(client, SERVER, 0, REQUEST, PSH | ACK)
    for client in clients:
        yield tcp(SERVER, client, 0, REPLY, PSH | ACK)


def send(interface: str, rate: float, seconds: float, now: Callable[[], float], wait: Callable[[float], None]) -> int:
    """Send for so long, late ones at once; return how many packets were sent.

    Raises:
        OSError: not permitted, or there is no such interface.
    """
    sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
    turns, sent, at = Turns(), 0, 0
    size = len(turns.messages)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
        out.bind((interface, ETH_P_IP))
        started = now()
        while (passed := now() - started) < seconds:
            due = int(rate * passed)
            while sent < due:
                count = min(size - at, due - sent)
                done = sendmmsg(out.fileno(), ctypes.byref(turns.messages[at]), count, 0)
                if done < 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                sent, at = sent + done, at + done
                if at == size:
                    turns.advance()
                    at = 0
            wait(max(0.0, (due + rate * TICK_SECONDS) / rate - (now() - started)))
    return sent


def main(arguments: Sequence[str]) -> None:
    """Send, and print how many packets were sent in how many seconds."""
    interface, rate, seconds = arguments
    started = time.monotonic()
    sent = send(interface, float(rate), float(seconds), time.monotonic, time.sleep)
    print(sent, time.monotonic() - started)


if __name__ == "__main__":
    main(sys.argv[1:])
