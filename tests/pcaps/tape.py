"""Records what goes over loopback to and from one port."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
NANOSECOND_PCAP = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
SETTLING_SECONDS = 0.3


@contextmanager
def recorded(file: Path, port: int) -> Iterator[None]:
    """Write the frames of `port` to a pcap file while the body runs; needs CAP_NET_RAW."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap, file.open("wb") as out:
        tap.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        tap.bind(("lo", 0))
        tap.settimeout(0.05)
        out.write(NANOSECOND_PCAP)
        stop = threading.Event()

        def copy() -> None:
            while not stop.is_set():
                try:
                    frame = tap.recv(262_144)
                except TimeoutError:
                    continue
                if is_of(frame, port):
                    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
                    out.write(struct.pack("<IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)

        thread = threading.Thread(target=copy)
        thread.start()
        try:
            yield
            time.sleep(SETTLING_SECONDS)
        finally:
            stop.set()
            thread.join()


def is_of(frame: bytes, port: int) -> bool:
    """Return whether an Ethernet frame is IPv4 and TCP, to or from `port`."""
    if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
        return False
    start = 14 + (frame[14] & 0x0F) * 4
    return port in struct.unpack_from("!HH", frame, start)
