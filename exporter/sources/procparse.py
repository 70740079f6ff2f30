"""Decodes the text of /proc files; pure. Names in them may hold anything."""

from collections.abc import Container
from dataclasses import dataclass

KERNEL_THREAD = 0x00200000  # PF_KTHREAD, include/linux/sched.h


@dataclass(frozen=True, slots=True)
class Stat:
    """One /proc/PID/stat.

    Attributes:
        comm: the kernel's short name, undecodable bytes as surrogates.
        parent_pid: 0 for the first process.
        is_kernel: whether it is a kernel thread.
        is_zombie: whether it has ended and nobody has waited for it yet.
        minor_faults, children_minor_faults, major_faults, children_major_faults: page faults.
        user_ticks, system_ticks, children_user_ticks, children_system_ticks: CPU time.
        threads: their number.
        start_ticks: clock ticks since boot.
        resident_pages: the kernel's quick count, a few pages off per CPU.
    """

    comm: str
    parent_pid: int
    is_kernel: bool
    is_zombie: bool
    minor_faults: int
    children_minor_faults: int
    major_faults: int
    children_major_faults: int
    user_ticks: int
    system_ticks: int
    children_user_ticks: int
    children_system_ticks: int
    threads: int
    start_ticks: int
    resident_pages: int


def stat(text: bytes) -> Stat:
    """Decode /proc/PID/stat.

    Raises:
        ValueError: it is cut short or no such file.
    """
    # The name may hold parentheses, spaces and newlines; nothing behind its last parenthesis does.
    end = text.rfind(b")")
    fields = text[end + 2 :].split(b" ", 22)
    if end < 0 or len(fields) < 22:
        raise ValueError(f"not a stat file: {len(text)} bytes")
    return Stat(
        comm=text[text.find(b"(") + 1 : end].decode("utf-8", "surrogateescape"),
        parent_pid=int(fields[1]),
        is_kernel=bool(int(fields[6]) & KERNEL_THREAD),
        is_zombie=fields[0] in (b"Z", b"X"),
        minor_faults=int(fields[7]),
        children_minor_faults=int(fields[8]),
        major_faults=int(fields[9]),
        children_major_faults=int(fields[10]),
        user_ticks=int(fields[11]),
        system_ticks=int(fields[12]),
        children_user_ticks=max(0, int(fields[13])),
        children_system_ticks=max(0, int(fields[14])),
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
        resident_pages=int(fields[21]),
    )


@dataclass(frozen=True, slots=True)
class Io:
    """One /proc/PID/io: disk bytes and calls of the read and write families."""

    read_calls: int
    write_calls: int
    read_bytes: int
    written_bytes: int


def io(text: bytes) -> Io:
    """Decode /proc/PID/io; written bytes that never reached the disk are taken off.

    Raises:
        ValueError: it is cut short or no such file.
    """
    # rchar wchar syscr syscw read_bytes write_bytes cancelled_write_bytes, each behind its name
    words = text.split()
    if len(words) < 12:
        raise ValueError(f"not an io file: {len(text)} bytes")
    return Io(int(words[5]), int(words[7]), int(words[9]), int(words[11]))


def arguments(text: bytes) -> tuple[str, ...]:
    """Decode /proc/PID/cmdline; empty for a kernel thread or a zombie."""
    stripped = text.rstrip(b"\0 ")
    return tuple(stripped.decode("utf-8", "surrogateescape").split("\0")) if stripped else ()


def environment(text: bytes, wanted: Container[str]) -> dict[str, str]:
    """Return the wanted variables of /proc/PID/environ; all others are dropped at once."""
    found = {}
    for line in text.split(b"\0"):
        key, separator, value = line.partition(b"=")
        name = key.decode("utf-8", "replace")
        if separator and name in wanted:
            found[name] = value.decode("utf-8", "surrogateescape")
    return found


def cgroup(text: bytes) -> str:
    """Return the path of /proc/PID/cgroup that says most: the unified one, else systemd's, else the longest."""
    paths: dict[str, str] = {}
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths[controllers] = path
    for controllers in ("", "name=systemd"):
        if len(paths.get(controllers, "")) > 1:
            return paths[controllers]
    return max(paths.values(), key=len, default="")


def open_files_limit(text: bytes) -> int:
    """Return the soft limit of /proc/PID/limits, 0 where unlimited or not given."""
    for line in text.splitlines():
        if line.startswith(b"Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else 0
    return 0


def swap_bytes(text: bytes) -> int:
    """Return VmSwap of /proc/PID/status, 0 where not given."""
    at = text.find(b"\nVmSwap:")
    return int(text[at + 8 :].split(None, 1)[0]) * 1024 if at >= 0 else 0


def boot_time(text: bytes) -> float:
    """Return the boot time of /proc/stat, seconds since the epoch.

    Raises:
        ValueError: it is not given.
    """
    for line in text.splitlines():
        if line.startswith(b"btime "):
            return float(line.split()[1])
    raise ValueError("no boot time in stat")
