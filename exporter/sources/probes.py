"""Tries, one by one, what the exporter lives on, and says why what is missing is missing.

Each probe does what the exporter does, on the real host, and gives everything back at once.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from exporter.sources import cgroup
from exporter.sources.callcounts import Counting
from exporter.sources.closings import Closings
from exporter.sources.errors import SourceError
from exporter.sources.filters import EBPF, Filters
from exporter.sources.namespaces import within
from exporter.sources.netlink import DiagSockets
from exporter.sources.packets import HAS_RINGS
from exporter.sources.pidnamespace import shown_by
from exporter.sources.procfs import Procfs
from exporter.sources.procfshost import may_trace
from exporter.sources.sockets import Others
from exporter.sources.tasks import open_usages
from exporter.sources.usage import UsageReader

HTTP_SECONDS = 3.0
LOOKED_AT = 200  # processes of others
_PERF_OPEN = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "loongarch64": 241, "ppc64le": 319, "s390x": 331}


class Verdict(Enum):
    """What came of a probe."""

    AVAILABLE = "available"
    FORBIDDEN = "forbidden"  # this process may not; granting helps
    ABSENT = "absent"  # the kernel, the host or the other end does not have it


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a probe, and why; the reason is empty where it is available and there is no more to say."""

    verdict: Verdict
    reason: str = ""


AVAILABLE = Finding(Verdict.AVAILABLE)
Probe = Callable[[], Finding]


def capture() -> Finding:
    """Open a packet socket."""
    if not HAS_RINGS:
        return Finding(Verdict.ABSENT, "no AF_PACKET on this system; scapy captures, far slower")
    return _tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close())


def procfs(has_procfs: bool) -> Finding:
    """Tell whether the system has a procfs that is known here."""
    return AVAILABLE if has_procfs else Finding(Verdict.ABSENT, "not on this system; psutil tells less, and is dearer")


def filters() -> Finding:
    """Load a socket filter that remembers flows."""
    return _tried(lambda: Filters(EBPF).close())


def tasks(proc: Path) -> Finding:
    """Load the program that goes through all processes."""
    reader, refused = open_usages(proc, UsageReader(proc, 3))
    reader.close()
    return AVAILABLE if not refused else _judged(refused)


def syscalls(proc: Path) -> Finding:
    """Load and attach the program that counts system calls."""
    return _tried(lambda: Counting(shown_by(proc)).close())


def sock_diag() -> Finding:
    """Ask the kernel for all sockets."""

    def ask() -> None:
        with closing(DiagSockets()) as sockets:
            sockets.read()

    return _tried(ask)


def unix_sockets() -> Finding:
    """Ask the kernel for connections over Unix sockets."""
    return _told(lambda others: others.tells_unix)


def udp_drops() -> Finding:
    """Ask the kernel for what UDP sockets dropped."""
    return _told(lambda others: others.tells_drops)


def net_namespaces() -> Finding:
    """Enter a network namespace, this process's own, in a thread of its own."""

    def enter() -> None:
        descriptor = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            within(descriptor, lambda: None)
        finally:
            os.close(descriptor)

    return _tried(enter)


def closed_sockets() -> Finding:
    """Subscribe to notices of closed sockets."""
    rooms = []

    def subscribe() -> None:
        with closing(Closings()) as closings:
            rooms.append(closings.has_room)

    tried = _tried(subscribe)
    if rooms == [False]:
        return Finding(Verdict.FORBIDDEN, "room for a few hundred notices only")
    return tried


def files_of_others(proc: Path, name: str) -> Finding:
    """Look at a gated file of other users' processes, such as `io`, `fd` or `exe`."""
    if may_trace(Procfs(proc)):
        return AVAILABLE  # a few hide even so
    own, forbidden, seen = os.geteuid(), 0, 0
    for pid in [entry for entry in os.listdir(proc) if entry.isdecimal()][:LOOKED_AT]:
        path = proc / pid / name
        with suppress(FileNotFoundError, ProcessLookupError):
            if own == 0 or (proc / pid).stat().st_uid != own:
                seen += 1
                forbidden += not _opens(path)
    if forbidden:
        return Finding(Verdict.FORBIDDEN, f"not of {forbidden} among {seen} processes of others")
    return AVAILABLE


def processes(proc: Path) -> Finding:
    """See whether processes of others are listed (hidepid), and whether they are the host's."""
    with suppress(SourceError):
        if not shown_by(proc).is_initial:
            return Finding(Verdict.ABSENT, "not in the host's PID namespace: run it there, as with --pid=host")
    if not Procfs(proc).shows_others():
        return Finding(Verdict.FORBIDDEN, "processes of others are hidden (hidepid)")
    return AVAILABLE


def control_groups(proc: Path) -> Finding:
    """Look for the hierarchy of control groups of version 2, alone or beside version 1."""
    return AVAILABLE if cgroup.mounted(proc) is not None else Finding(Verdict.ABSENT, "version 2 is not mounted")


def controllers(proc: Path) -> Finding:
    """Look whether the hierarchy of version 2 limits anything itself."""
    root = cgroup.mounted(proc)
    if root is None:
        return Finding(Verdict.ABSENT, "version 2 is not mounted")
    if missing := cgroup.lacking(root):
        return Finding(Verdict.ABSENT, f"no {' and '.join(missing)} in {root}: version 1 has them, or nobody")
    return AVAILABLE


def perf() -> Finding:
    """Open a counter of the whole machine's time, as perf does."""
    number = _PERF_OPEN.get(platform.machine())
    if number is None:
        return Finding(Verdict.ABSENT, f"perf_event_open is not known on {platform.machine()}")
    # A software event, the processor's clock, of everybody on the first processor.
    attributes = ctypes.create_string_buffer(struct.pack("=IIQ", 1, 112, 0), 112)
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = [ctypes.c_int(number) for number in (-1, 0, -1)]
    descriptor = libc.syscall(ctypes.c_long(number), attributes, *numbers, ctypes.c_ulong(0))
    if descriptor < 0:
        code = ctypes.get_errno()
        return Finding(_verdict(code), os.strerror(code))
    os.close(descriptor)
    return AVAILABLE


def reachable(url: str) -> Finding:
    """Ask a server of the Prometheus family whether it is healthy."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/-/healthy", timeout=HTTP_SECONDS):  # noqa: S310  # as set
            return AVAILABLE
    except urllib.error.HTTPError as error:
        error.close()
        return Finding(Verdict.ABSENT, f"it answers {error.code}")
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        return Finding(Verdict.ABSENT, str(reason))


def _told(tells: Callable[[Others], bool]) -> Finding:
    told = []

    def ask() -> None:
        with closing(DiagSockets()) as sockets:
            told.append(tells(sockets.others()))

    tried = _tried(ask)
    return Finding(Verdict.ABSENT, "the kernel does not tell") if told == [False] else tried


def _tried(action: Callable[[], object]) -> Finding:
    try:
        action()
    except SourceError as error:
        return _judged(str(error))
    except OSError as error:
        return Finding(_verdict(error.errno or 0), error.strerror or str(error))
    except ValueError as error:
        return Finding(Verdict.ABSENT, str(error))
    return AVAILABLE


def _judged(reason: str) -> Finding:
    forbidden = any(os.strerror(code) in reason for code in (errno.EPERM, errno.EACCES))
    return Finding(Verdict.FORBIDDEN if forbidden else Verdict.ABSENT, reason)


def _verdict(code: int) -> Verdict:
    return Verdict.FORBIDDEN if code in (errno.EPERM, errno.EACCES) else Verdict.ABSENT


def _opens(path: Path) -> bool:
    """Return whether a file, a folder or a link of /proc may be read; one that is gone may."""
    try:
        if path.name == "exe":
            os.readlink(path)
        elif path.name == "fd":
            os.listdir(path)
        else:
            path.read_bytes()
    except PermissionError:
        return False
    return True
