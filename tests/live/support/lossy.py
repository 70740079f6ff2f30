"""A link between two network namespaces that loses packets, and keeps what its near end carried."""

import contextlib
import ctypes
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.live.support.namespace import CLONE_NEWNET

TUN = Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
NEAR, FAR, PORT = "10.9.0.1", "10.9.0.2", 9000
ANSWER_BYTES = 2000
LONGEST_PACKET = 1 << 16
PATIENCE_SECONDS = 20.0
ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
KEPT_BYTES = 64 << 20  # several times what a test sends


@dataclass(slots=True)
class Link:
    """What the near end sent and got.

    Attributes:
        packets: the kernel's time in nanoseconds and the bytes of each IP packet, in order; there are none before the
            link's end.
    """

    packets: list[tuple[int, bytes]] = field(default_factory=list)


@contextmanager
def lossy(share: float, dice: random.Random) -> Iterator[Link]:
    """Give a link from this thread's namespace to another one, where `FAR` takes what it is sent and answers.

    Args:
        share: of the packets of the near end that are lost on the way.
        dice: which ones.
    """
    try:
        near = _end("near", NEAR)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no TUN device to be had: {error}")
    seen = _tap("near")
    link, over, ready = Link(), threading.Event(), threading.Event()
    ends: list[int] = [near]

    def live() -> None:
        if ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0:
            ends.append(_end("far", FAR))
            _serve(over, ready)

    def carry() -> None:
        while not over.is_set():
            _carry(ends, share, dice)

    threads = [threading.Thread(target=live), threading.Thread(target=carry)]
    try:
        threads[0].start()
        assert ready.wait(PATIENCE_SECONDS)
        threads[1].start()
        yield link
        link.packets += _seen(seen)
    finally:
        over.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(PATIENCE_SECONDS)
        for end in ends:
            os.close(end)
        seen.close()


def send(size_bytes: int) -> None:
    """Send so much over a connection of its own, and wait for the answer's end."""
    with socket.create_connection((FAR, PORT), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(bytes(size_bytes))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(LONGEST_PACKET):
            pass


def sent_again() -> int:
    """Return how many TCP segments this namespace has sent again, by the kernel's own count."""
    rows = [
        row.split() for row in Path("/proc/thread-self/net/snmp").read_text().splitlines() if row.startswith("Tcp:")
    ]
    return int(dict(zip(*rows, strict=True))["RetransSegs"])


def _end(name: str, address: str) -> int:
    """Return a TUN device of the calling thread's namespace, up and with an address."""
    end = os.open(TUN, os.O_RDWR)
    try:
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
        for words in (f"addr add {address}/24 dev {name}", f"link set {name} up"):
            subprocess.run(["ip", *words.split()], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.CalledProcessError):
        os.close(end)
        raise
    return end


def _tap(interface: str) -> socket.socket:
    """Return what keeps the packets of an interface with the times at which the kernel passed them on.

    Whoever reads the device may be late, and a segment that waited there is read together with its repetition.
    """
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, KEPT_BYTES)
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.setblocking(False)
    tap.bind((interface, ETH_P_ALL))
    return tap


def _seen(tap: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Yield what a tap has kept: the time in nanoseconds and the bytes of each packet."""
    while True:
        try:
            packet, ((_, _, time), *_), *_ = tap.recvmsg(LONGEST_PACKET, socket.CMSG_SPACE(16))
        except BlockingIOError:
            break
        seconds, nanoseconds = struct.unpack("qq", time)
        yield seconds * 1_000_000_000 + nanoseconds, packet
    _, dropped = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    assert dropped == 0


def _carry(ends: Sequence[int], share: float, dice: random.Random) -> None:
    """Pass on what waits at either end, but a share of what comes from the near one, the first."""
    near, far = ends
    for end in select.select(ends, [], [], 0.05)[0]:
        packet = os.read(end, LONGEST_PACKET)
        if end != near:
            os.write(near, packet)
        elif dice.random() >= share:
            os.write(far, packet)


def _serve(over: threading.Event, ready: threading.Event) -> None:
    """Take connections one after the other, all that they send, and answer."""
    with socket.create_server((FAR, PORT)) as listening:
        listening.settimeout(0.05)
        ready.set()
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(PATIENCE_SECONDS)
                    while connection.recv(LONGEST_PACKET):
                        pass
                    connection.sendall(bytes(ANSWER_BYTES))
