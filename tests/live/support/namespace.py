"""A network namespace of one's own, with an address from which nothing ever comes back."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLONE_NEWNET = 0x40000000
BLACK_HOLE = "192.0.2.9"
# SYNs to it leave by an interface whose other end has nobody behind it.
SETUP = (
    "link set lo up",
    "link add inner type veth peer name outer",
    "addr add 192.0.2.1/24 dev inner",
    "link set inner up",
    "link set outer up",
    f"neigh add {BLACK_HOLE} lladdr 02:00:00:00:00:09 dev inner",
)


@contextmanager
def alone() -> Iterator[None]:
    """Have this thread, and what it starts, live in a network namespace that is gone afterwards.

    Skips the test where that is not permitted or `ip` is not there.
    """
    ip = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        if ip is None or libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip(f"no network namespace to be had: {os.strerror(ctypes.get_errno()) if ip else 'no ip(8)'}")
        try:
            for words in SETUP:
                subprocess.run([ip, *words.split()], check=True, capture_output=True, timeout=10)
            yield
        finally:
            assert libc.setns(before.fileno(), CLONE_NEWNET) == 0
