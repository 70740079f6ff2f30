"""Runs a piece of a test in a process of its own with fewer privileges, for real."""

import ctypes
import os
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import pytest

NOBODY = 65534
CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 12, 13, 19, 21, 38, 39
_VERSION_3 = 0x20080522
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Powers:
    """What to give up.

    Attributes:
        root: whether to stay root.
        dropped: capabilities to give up.
        before: done before anything is given up, such as mounting.
    """

    root: bool = True
    dropped: frozenset[int] = frozenset()
    before: Callable[[], None] = lambda: None


def with_powers(powers: Powers, action: Callable[[], str]) -> str:
    """Return what the action returns in a process that has given up what is told.

    Skips the test where this process is not root, and so cannot give anything up.
    """
    if os.geteuid() != 0:
        pytest.skip("needs to be root, to give up being it")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            powers.before()
            _give_up(powers)
            os.write(writing, action().encode())
            status = 0
        except BaseException:  # a fork must never come back into the test that made it
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    os.close(writing)
    parts = []
    while part := os.read(reading, 1 << 16):
        parts.append(part)
    os.close(reading)
    _, code = os.waitpid(child, 0)
    assert code == 0, "the child failed: see its traceback"
    return b"".join(parts).decode()


def _give_up(powers: Powers) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not powers.root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
        return
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0))
    sets = ctypes.create_string_buffer(24)
    assert libc.capget(header, sets) == 0
    words = list(struct.unpack("=6I", sets.raw))
    for capability in powers.dropped:
        word, bit = 3 * (capability // 32), ~(1 << capability % 32)
        words[word] &= bit  # effective
        words[word + 1] &= bit  # permitted
        words[word + 2] &= bit  # inheritable
    assert libc.capset(header, ctypes.create_string_buffer(struct.pack("=6I", *words), 24)) == 0
