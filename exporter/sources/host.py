"""A host's services: who runs, what it is called, where it listens, what it uses."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.identity.roster import Roster
from exporter.services.connects import WayKey
from exporter.services.datagrams import UdpUse
from exporter.services.naming import Named, Naming
from exporter.services.parties import Party
from exporter.services.resources import ServiceResources
from exporter.services.transfers import Totals
from exporter.services.view import HostView
from exporter.sources.census import Census
from exporter.sources.containers import Containers
from exporter.sources.hostsockets import HostSockets
from exporter.sources.hostusage import HostUsage
from exporter.sources.namespaces import Namespaces
from exporter.sources.netlink import local_addresses
from exporter.sources.procfs import ContainerLookup, Procfs
from exporter.sources.runtimes import Remembered, run_times
from exporter.sources.sockets import SocketSource

_CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
_DEFAULT_EPHEMERAL = range(32768, 61000)


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What the host lets be seen.

    Attributes:
        capabilities: by name, whether it is available: `processes` (those of others are listed), `bpf_tasks` (the
            kernel tells what they use), `proc_io` (disk and call counts), `proc_files` (open files and the owners of
            sockets), `proc_executables` (what interpreters run, and where), `sock_diag`, `closed_sockets` (notices of
            sockets that end), `net_namespaces` (sockets of the others).
        hidden_processes: listed but not readable at the last refresh.
        unowned_sockets: sockets with an inode whose process was not found at the last refresh.
        unsearched_processes: still to be looked through for the owners of sockets, which is done in small steps.
        socket_failures: how often the sockets could not be read.
        closings_lost: how often notices of closed sockets were lost.
        services_refused: how many names found no place among the services.
    """

    capabilities: Mapping[str, bool]
    hidden_processes: int
    unowned_sockets: int
    unsearched_processes: int
    socket_failures: int
    closings_lost: int
    services_refused: int


class Host:
    """Follows the processes and sockets of one host; every method may be called from any thread."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        sockets: SocketSource | None = None,
        addresses: Callable[[], frozenset[str]] = local_addresses,
        containers: ContainerLookup | None = None,
        max_services: int = 200,
        max_descriptors: int = 30_000,
        bpf: bool = True,
        namespaces: Namespaces | None = None,
    ) -> None:
        """Prepare; nothing is read yet but the boot time and the range of ephemeral ports.

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
        self._lock = threading.RLock()
        self._times = times = Remembered(run_times(proc))
        self._procfs = Procfs(proc, containers or Containers(proc / "1" / "root").find, times)
        self._census = Census(self._procfs)
        self._usage = HostUsage(proc, max_descriptors, bpf, times)
        self._sockets = HostSockets(proc, sockets, addresses, times, namespaces)
        self._roster = Roster(max_services)
        self._naming = Naming(self._roster, self._procfs.boot_time(), os.sysconf("SC_CLK_TCK"))
        self._privileged = may_trace(self._procfs)
        self._ephemeral = ephemeral_ports(self._procfs)
        self._ports: Mapping[int, int] = {}
        self._named = Named()
        self._view = HostView(ephemeral_ports=self._ephemeral)

    def refresh(self, now: float) -> HostView:
        """Follow processes and sockets; cheap enough for every second.

        Args:
            now: seconds, of any clock that does not go back.

        Raises:
            OSError: /proc itself cannot be read.
        """
        with self._lock:
            self._times.forget()
            changed = self._census.refresh(now)
            self._sockets.read(self._census.candidates.keys(), now)
            with_sockets = set(self._sockets.owners.values())
            if changed or self._sockets.ports != self._ports or self._named.is_due(with_sockets, now):
                self._ports = self._sockets.ports
                self._name(with_sockets, now)
            host = HostView(
                processes=self._named.processes,
                services=self._named.services,
                ephemeral_ports=self._ephemeral,
                renamed=self._named.renamed,
            )
            self._view = self._sockets.count(host, now)
            return self._view

    def sample(self, now: float) -> Mapping[str, ServiceResources]:
        """Read what every process has used and return each service's resources.

        Args:
            now: as for `refresh`.

        Raises:
            OSError: /proc itself cannot be read.
        """
        with self._lock:
            self.refresh(now)
            self._sockets.look_beside(self.services(), self._named.services, now)
            reading = self._usage.read(self._census.candidates.keys())
            self._census.lost(reading.ended)
            known = self._census.candidates
            for sample in reading.changed:
                facts = known[sample.pid].facts
                if sample.comm != facts.comm or sample.start_ticks != facts.start_ticks:
                    self._census.executed(sample.pid, now)
            return self._usage.add(reading, known.keys(), self._named, now)

    @property
    def hears_closings(self) -> bool:
        """Whether the kernel keeps the notices of closed sockets, however many come between two fetchings."""
        return self._sockets.hears_closings

    def hear(self) -> None:
        """Fetch the notices of closed sockets, which the kernel keeps little room for; never waits for a look.

        Raises:
            OSError, ValueError: the notices cannot be read.
        """
        self._sockets.hear()

    def view(self) -> HostView:
        """Return what the last refresh found."""
        with self._lock:
            return self._view

    def services(self) -> Mapping[int, str]:
        """Return the service of each process by PID, as of the last refresh."""
        return {pid: process.service for pid, process in self.view().processes.items()}

    def transfers(self) -> Mapping[Party, Totals]:
        """Return what TCP sockets have transferred, as of the last refresh."""
        with self._lock:
            return self._sockets.transfers()

    def unix_edges(self) -> Mapping[WayKey, int]:
        """Return the connections between services over Unix sockets, as of the last sample."""
        with self._lock:
            return self._sockets.unix_edges()

    def udp(self) -> Mapping[str, UdpUse]:
        """Return every service's UDP sockets and drops, as of the last sample."""
        with self._lock:
            return self._sockets.udp()

    def status(self) -> HostStatus:
        """Return what the host let be seen so far."""
        with self._lock:
            return HostStatus(
                capabilities={
                    "processes": self._procfs.shows_others(),
                    **self._usage.capabilities,
                    "proc_io": self._privileged or self._usage.forbidden == 0,
                    "proc_files": self._privileged or not self._sockets.hides_files,
                    "proc_executables": self._privileged or self._procfs.forbidden["exe"] == 0,
                    **self._sockets.capabilities,
                },
                hidden_processes=self._census.hidden,
                unowned_sockets=self._sockets.unowned,
                unsearched_processes=self._sockets.unsearched,
                socket_failures=self._sockets.failures,
                closings_lost=self._sockets.closings_lost,
                services_refused=self._roster.refused,
            )

    def close(self) -> None:
        """Close every descriptor."""
        with self._lock:
            self._usage.close()
            self._sockets.close()

    def _name(self, with_sockets: set[int], now: float) -> None:
        def age_seconds(pid: int) -> float:
            return self._census.age_seconds(pid, now)

        self._named = self._naming.update(self._census.candidates, self._ports, with_sockets, age_seconds, now)


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
