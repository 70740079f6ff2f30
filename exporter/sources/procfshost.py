"""A host that is read from its /proc and asked over netlink: Linux."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from exporter.sources.census import Census
from exporter.sources.containers import Containers
from exporter.sources.host import Host, Parts
from exporter.sources.hostsockets import HostSockets
from exporter.sources.hostusage import HostUsage
from exporter.sources.namespaces import Namespaces
from exporter.sources.netlink import local_addresses
from exporter.sources.procfs import ContainerLookup, Procfs
from exporter.sources.runtimes import Remembered, run_times
from exporter.sources.sockets import SocketSource

_CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
_DEFAULT_EPHEMERAL = range(32768, 61000)


def procfs_host(
    proc: Path = Path("/proc"),
    sockets: SocketSource | None = None,
    addresses: Callable[[], frozenset[str]] = local_addresses,
    containers: ContainerLookup | None = None,
    max_services: int = 200,
    max_descriptors: int = 30_000,
    bpf: bool = True,
    namespaces: Namespaces | None = None,
) -> Host:
    """Return a host; nothing is read yet but the boot time and the range of ephemeral ports.

    Args:
        proc: the host's /proc, which may be mounted elsewhere.
        sockets: where sockets are read; by default sock_diag, which also tells which ones were closed, else
            /proc/net where that is refused.
        addresses: returns the addresses of all interfaces; raises OSError or ValueError where it cannot.
        containers: looks up what a container's runtime says of it; by default from the host's files, which are
            seen through the root directory of its first process.
        max_services: the services beyond it are `~other`.
        max_descriptors: how many files to keep open for reading usage; this process's limit is raised to allow
            them, and where it cannot be, fewer are kept.
        bpf: whether to let the kernel tell what processes use, where it may.
        namespaces: the other network namespaces, where somebody else follows them too; they stay that one's.
    """
    times = Remembered(run_times(proc))
    procfs = Procfs(proc, containers or Containers(proc / "1" / "root").find, times)
    usage = HostUsage(proc, max_descriptors, bpf, times)
    connections = HostSockets(proc, sockets, addresses, times, namespaces)
    parts = Parts(
        census=Census(procfs),
        usage=usage,
        sockets=connections,
        begin=times.forget,
        capabilities=partial(permitted, procfs, usage, connections, may_trace(procfs)),
        boot_time=procfs.boot_time(),
        ticks_per_second=os.sysconf("SC_CLK_TCK"),
        ephemeral_ports=ephemeral_ports(procfs),
    )
    return Host(parts, max_services)


def permitted(procfs: Procfs, usage: HostUsage, connections: HostSockets, is_privileged: bool) -> Mapping[str, bool]:
    """Return what may be seen of processes, by name; a few hide even from who may look into all."""
    return {
        "procfs": True,
        "processes": procfs.shows_others(),
        "proc_io": is_privileged or usage.forbidden == 0,
        "proc_files": is_privileged or not connections.hides_files,
        "proc_executables": is_privileged or procfs.forbidden["exe"] == 0,
    }


def ephemeral_ports(procfs: Procfs) -> range:
    """Return the ports that the kernel gives to clients."""
    try:
        low, high = procfs.read("sys/net/ipv4/ip_local_port_range").split()
        return range(int(low), int(high) + 1)
    except (OSError, ValueError):
        return _DEFAULT_EPHEMERAL


def may_trace(procfs: Procfs) -> bool:
    """Return whether this process may look into all others (CAP_SYS_PTRACE); a few may hide even so."""
    try:
        lines = procfs.read("self/status").splitlines()
        effective = next(line for line in lines if line.startswith(b"CapEff:"))
        return bool(int(effective.split()[1], 16) >> _CAP_SYS_PTRACE & 1)
    except (OSError, ValueError, IndexError, StopIteration):
        return False
