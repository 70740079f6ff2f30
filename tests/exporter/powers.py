"""Runs a piece of a test in a process of its own with fewer privileges, for real."""

import ctypes
import os
import struct
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.sources.cgroup import mounted

NOBODY = 65534
CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF = 12, 13, 19, 21, 38, 39
CLONE_NEWNS, CLONE_NEWPID, MS_PRIVATE, MS_REC, MNT_DETACH = 0x20000, 0x20000000, 1 << 18, 1 << 14, 2
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


def unshare(namespaces: int) -> None:
    """Leave some of this process's namespaces for new ones; os.unshare is younger than the oldest Python we run on."""
    if ctypes.CDLL(None, use_errno=True).unshare(namespaces):
        raise OSError(ctypes.get_errno(), "no namespaces of one's own")


def mounts_can_be_private() -> bool:
    """Whether mounts can be made private: not within chroot."""
    return any(line.split()[4] == "/" for line in Path("/proc/self/mountinfo").read_text().splitlines())


def mount_proc(folder: Path, options: str = "", namespaces: int = CLONE_NEWNS) -> None:
    """Mount a /proc of one's own, for this process alone.

    Args:
        namespaces: those that are left for new ones before; of its PID namespace is the next child of this process.
    """
    unshare(namespaces)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "mounts cannot be made private")
    if namespaces & CLONE_NEWPID and (child := os.fork()):
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    if libc.mount(b"proc", os.fsencode(folder), b"proc", 0, options.encode()):
        raise OSError(ctypes.get_errno(), "no proc")


def unmount_cgroups() -> None:
    """Be without control groups of version 2, as on a host that has none of them, for this process alone."""
    unshare(CLONE_NEWNS)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "mounts cannot be made private")
    while (root := mounted(Path("/proc"))) is not None:
        if libc.umount2(os.fsencode(root), MNT_DETACH):
            raise OSError(ctypes.get_errno(), f"{root} cannot be unmounted")


def enter_pid_namespace(folder: Path) -> None:
    """Go on as the first process of a PID namespace, which a /proc in a folder shows."""
    mount_proc(folder, namespaces=CLONE_NEWNS | CLONE_NEWPID)


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
