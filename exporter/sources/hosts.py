"""Chooses how a host is read."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.sources.host import Host

if TYPE_CHECKING:
    from exporter.sources.namespaces import Namespaces

HAS_PROCFS = sys.platform == "linux"  # others have none, or one that tells something else


def by_procfs(method: str, has_procfs: bool = HAS_PROCFS) -> bool:
    """Return whether a host is read from /proc: `method` is `procfs`, or `auto` where the system has one."""
    return method == "procfs" or (method == "auto" and has_procfs)


def procfs_of(method: str, proc: Path) -> Path | None:
    """Return where the host's procfs is, None where it is read otherwise; arguments as for `open_host`."""
    return proc if by_procfs(method) else None


def open_host(method: str, proc: Path, bpf: bool, namespaces: "Namespaces", has_procfs: bool = HAS_PROCFS) -> Host:
    """Return the host that this process runs on.

    Args:
        method: `procfs`, `psutil`, or `auto` for /proc where the system has one.
        proc: where procfs is mounted.
        bpf: whether to let the kernel tell what processes use, where it may.
        namespaces: the other network namespaces; only of a host that is read from /proc.
        has_procfs: whether the system has one that is known here.
    """
    # Each is imported where it is wanted: neither's modules need be there on a system that uses the other.
    if by_procfs(method, has_procfs):
        from exporter.sources.procfshost import procfs_host  # noqa: PLC0415

        return procfs_host(proc, namespaces=namespaces, bpf=bpf)
    from exporter.sources.portable.host import portable_host  # noqa: PLC0415

    return portable_host()
