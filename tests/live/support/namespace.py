"""Network namespaces of a test's own: a loopback that nobody else talks on."""

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
BLACK_HOLE = "192.0.2.9"
# SYNs to it leave by an interface whose other end has nobody behind it.
SETUP = (
    "link add inner type veth peer name outer",
    "addr add 192.0.2.1/24 dev inner",
    "link set inner up",
    "link set outer up",
    f"neigh add {BLACK_HOLE} lladdr 02:00:00:00:00:09 dev inner",
)
# Where this process came from, outermost first; only its main thread changes namespaces.
_left: list[int] = []


@contextmanager
def own_loopback() -> Iterator[bool]:
    """Have this thread, and what it starts, live where no other traffic passes; give whether that was permitted."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc().unshare(CLONE_NEWNET) != 0:
            yield False
            return
        _left.append(before)
        try:
            _start_loopback()
            yield True
        finally:
            _left.pop()
            _enter(before)
    finally:
        os.close(before)


@contextmanager
def outside() -> Iterator[None]:
    """Be back, for a while, in the namespace that has a way to the world."""
    if not _left:
        yield
        return
    inner = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(_left[0])
        yield
    finally:
        _enter(inner)
        os.close(inner)


@contextmanager
def alone() -> Iterator[None]:
    """Live in a network namespace with an address from which nothing ever comes back.

    Skips the test where that is not permitted or `ip` is not there.
    """
    ip = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    with own_loopback() as permitted:
        if ip is None or not permitted:
            pytest.skip("no network namespace to be had: needs ip(8) and CAP_SYS_ADMIN")
        for words in SETUP:
            subprocess.run([ip, *words.split()], check=True, capture_output=True, timeout=10)
        yield


def chosen(folder: Path, pids: Collection[int]) -> Path:
    """Return a procfs in which only these processes are, so that whoever else uses this machine is not seen."""
    folder.mkdir()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in pids:
            (folder / entry.name).symlink_to(entry)
    return folder


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _enter(namespace: int) -> None:
    if _libc().setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _start_loopback() -> None:
    """Bring `lo` up as `ip link set lo up` does, which not every machine has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = b"lo".ljust(16, b"\0")
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, name + bytes(24))
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, name + struct.pack("H22x", flags | IFF_UP))
