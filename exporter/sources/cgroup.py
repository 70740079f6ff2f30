"""Reads cgroups of version 2. Source: Linux, Documentation/admin-guide/cgroup-v2.rst and accounting/psi.rst."""

from collections.abc import Iterable
from pathlib import Path

from exporter.services.cgroups import CgroupReading
from exporter.services.usage import NOT_LIMITED

CONTROLLERS = ("cpu", "memory")
"""What tells of throttling and limits; beside version 1, which then has them, version 2 has none of them."""
PRESSURES = ("cpu", "io", "memory")
_MICROSECOND = 1000  # nanoseconds


class CgroupReader:
    """Reads the files of cgroups.

    Attributes:
        available: whether there is a hierarchy of version 2 at all.
        controlled: whether it has the controllers that tell of throttling and limits.
    """

    def __init__(self, proc: Path) -> None:
        """Find where the hierarchy is mounted.

        Args:
            proc: of the host.
        """
        self._root = mounted(proc)
        self.available = self._root is not None
        self.controlled = self._root is not None and not lacking(self._root)

    def read(self, paths: Iterable[str]) -> dict[str, CgroupReading]:
        """Return a reading of each cgroup that is there and may be read, by its path."""
        if self._root is None:
            return {}
        found = {path: reading(self._root, path) for path in paths}
        return {path: one for path, one in found.items() if one is not None}


def mounted(proc: Path) -> Path | None:
    """Return where this process sees the hierarchy of version 2; None where it is not mounted."""
    try:
        lines = (proc / "self/mountinfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        mount, _, kind = line.partition(" - ")
        if kind.split(" ", 1)[0] == "cgroup2":
            return Path(mount.split(" ")[4].encode().decode("unicode_escape"))
    return None


def lacking(root: Path) -> tuple[str, ...]:
    """Return which of the controllers that we read a hierarchy does not have."""
    there = _text(root / "cgroup.controllers").split()
    return tuple(name for name in CONTROLLERS if name not in there)


def reading(root: Path, path: str) -> CgroupReading | None:
    """Return a reading of a cgroup, None where it is not there or tells no processor time."""
    folder = root / path.lstrip("/")
    used = _numbers(folder / "cpu.stat")
    if "usage_usec" not in used or ".." in folder.parts:
        return None
    throttled = used.get("throttled_usec")
    waiting = {resource: _waited(folder / f"{resource}.pressure") for resource in PRESSURES}
    return CgroupReading(
        user_nanoseconds=used.get("user_usec", 0) * _MICROSECOND,
        system_nanoseconds=used.get("system_usec", 0) * _MICROSECOND,
        throttled_nanoseconds=throttled * _MICROSECOND if throttled is not None else None,
        waiting_nanoseconds={resource: waited for resource, waited in waiting.items() if waited is not None},
        memory_limit_bytes=_limit(root, folder),
        oom_kills=_numbers(folder / "memory.events").get("oom_kill"),
    )


def _limit(root: Path, folder: Path) -> int:
    """Return the least limit of a cgroup and those above it."""
    limits = []
    while folder != root and root in folder.parents:
        text = _text(folder / "memory.max").strip()
        if text.isdecimal():
            limits.append(int(text))
        folder = folder.parent
    return min(limits, default=NOT_LIMITED)


def _waited(file: Path) -> int | None:
    """Return for how long some tasks were held up, in nanoseconds."""
    for line in _text(file).splitlines():
        if line.startswith("some "):
            total = dict(field.partition("=")[::2] for field in line.split()).get("total", "")
            return int(total) * _MICROSECOND if total.isdecimal() else None
    return None


def _numbers(file: Path) -> dict[str, int]:
    pairs = (line.split() for line in _text(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _text(file: Path) -> str:
    """Return a file, empty where it is not there or may not be read: not every controller is on everywhere."""
    try:
        return file.read_text()
    except OSError:
        return ""
