"""Puts a host together that is read by psutil."""

import os
import sys
from collections.abc import Mapping

from exporter.sources.census import Census
from exporter.sources.host import Host, Parts
from exporter.sources.portable.connections import PortableConnections
from exporter.sources.portable.lives import TICKS_PER_SECOND, Lives
from exporter.sources.portable.processes import PortableProcesses
from exporter.sources.portable.usage import PortableUsages

# Linux' default; else what IANA sets apart, as macOS, Windows and the BSDs use it.
EPHEMERAL = range(32768, 61000) if sys.platform == "linux" else range(49152, 65536)


def portable_host(max_services: int = 200) -> Host:
    """Return this process's host; nothing is read yet.

    Args:
        max_services: the services beyond it are `~other`.
    """
    lives = Lives()
    processes, usage, connections = PortableProcesses(lives), PortableUsages(lives), PortableConnections()

    def capabilities() -> Mapping[str, bool]:
        return {
            "procfs": False,
            "processes": 1 in processes.pids(),
            # A few processes hide even from root.
            "proc_io": usage.tells_io and (is_root() or usage.forbidden == 0),
            "proc_files": is_root() or not connections.hides_files,
            "proc_executables": is_root() or processes.forbidden["executable"] == 0,
        }

    parts = Parts(
        census=Census(processes),
        usage=usage,
        sockets=connections,
        begin=lambda: None,
        capabilities=capabilities,
        boot_time=0.0,  # starts are told since the epoch
        ticks_per_second=TICKS_PER_SECOND,
        ephemeral_ports=EPHEMERAL,
    )
    return Host(parts, max_services)


def is_root() -> bool:
    """Return whether this process may look into all others; nobody is root on Windows."""
    return getattr(os, "geteuid", lambda: -1)() == 0
