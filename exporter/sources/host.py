"""A host's services: who runs, what it is called, where it listens, what it uses."""

import threading
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.identity.roster import Roster
from exporter.services.connects import WayKey
from exporter.services.datagrams import UdpUse
from exporter.services.naming import Named, Naming
from exporter.services.parties import Party
from exporter.services.resources import ServiceResources
from exporter.services.transfers import Totals
from exporter.services.usage import Reading
from exporter.services.view import HostView
from exporter.sources.census import Census


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What the host lets be seen.

    Attributes:
        capabilities: by name, whether it is available: `procfs` (processes are read from there), `processes` (those of
            others are listed), `bpf_tasks` (the kernel tells what they use), `proc_io` (disk and call counts),
            `proc_files` (open files and the owners of sockets), `proc_executables` (what interpreters run, and where),
            `sock_diag`, `closed_sockets` (notices of sockets that end), `net_namespaces` (sockets of the others),
            `unix_sockets` (whom they connect), `udp_drops`.
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


class HostUsages(Protocol):
    """Reads and adds up what processes use; not used by two threads at once."""

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What may be told, by name."""
        ...

    def read(self, pids: Set[int]) -> Reading:
        """Read what these processes have used."""
        ...

    def add(self, reading: Reading, alive: Set[int], named: Named, now: float) -> Mapping[str, ServiceResources]:
        """Return every service's resources; arguments as for `HostUsage.add`."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class HostConnections(Protocol):
    """Follows the sockets of a host; not used by two threads at once, but for `hear`.

    Attributes:
        owners: the PID of each socket's owner, by inode, as far as found.
        unowned: sockets with an inode whose process was not found at the last reading.
        ports: the lowest TCP port that each process listens on.
    """

    owners: Mapping[int, int]
    unowned: int
    ports: dict[int, int]

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What may be seen of sockets, by name."""
        ...

    @property
    def hears_closings(self) -> bool:
        """Whether the last bytes of sockets that end between two fetchings are counted, however many do."""
        ...

    @property
    def unsearched(self) -> int:
        """How many processes are still to be looked through for the owners of sockets."""
        ...

    @property
    def failures(self) -> int:
        """How often the sockets could not be read."""
        ...

    @property
    def closings_lost(self) -> int:
        """How often notices of closed sockets were lost."""
        ...

    def read(self, pids: Set[int], now: float) -> None:
        """Read all sockets and whose they are; `now` in seconds, never falling."""
        ...

    def count(self, host: HostView, now: float) -> HostView:
        """Credit what was read to services; return the host with its listeners and connections."""
        ...

    def look_beside(self, members: Mapping[int, str], known: Collection[str], now: float) -> None:
        """Look at what is no TCP; arguments as for `HostSockets.look_beside`."""
        ...

    def hear(self) -> None:
        """Fetch the notices of closed sockets; from any thread.

        Raises:
            OSError, ValueError: they cannot be read.
        """
        ...

    def transfers(self) -> Mapping[Party, Totals]:
        """Return what TCP sockets have transferred."""
        ...

    def unix_edges(self) -> Mapping[WayKey, int]:
        """Return the connections between services over Unix sockets."""
        ...

    def udp(self) -> Mapping[str, UdpUse]:
        """Return every service's UDP sockets and drops."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a host is read by.

    Attributes:
        census: of its processes.
        begin: called before each look.
        capabilities: returns what may be seen of processes, by name.
        boot_time: seconds since the epoch from which processes' starts are counted, `ticks_per_second` of them.
        ephemeral_ports: the range that the kernel gives to clients.
    """

    census: Census[Any]
    usage: HostUsages
    sockets: HostConnections
    begin: Callable[[], None]
    capabilities: Callable[[], Mapping[str, bool]]
    boot_time: float
    ticks_per_second: int
    ephemeral_ports: range


class Host:
    """Follows the processes and sockets of one host; every method may be called from any thread."""

    def __init__(self, parts: Parts, max_services: int = 200) -> None:
        """Prepare; nothing is read yet.

        Args:
            parts: what reads the host; closed with it.
            max_services: the services beyond it are `~other`.
        """
        self._lock = threading.RLock()
        self._parts = parts
        self._census, self._usage, self._sockets = parts.census, parts.usage, parts.sockets
        self._roster = Roster(max_services)
        self._naming = Naming(self._roster, parts.boot_time, parts.ticks_per_second)
        self._ports: Mapping[int, int] = {}
        self._with_sockets: set[int] = set()
        self._named = Named()
        self._view = HostView(ephemeral_ports=parts.ephemeral_ports)

    def refresh(self, now: float) -> HostView:
        """Follow processes and sockets; cheap enough for every second.

        Args:
            now: seconds, of any clock that does not go back.

        Raises:
            OSError: /proc itself cannot be read.
        """
        with self._lock:
            self._parts.begin()
            changed = self._census.refresh(now)
            self._sockets.read(self._census.candidates.keys(), now)
            with_sockets = set(self._sockets.owners.values())
            # Who has come by its first socket may have executed its program since it was read.
            changed = self._census.reread(with_sockets - self._with_sockets, now) or changed
            self._with_sockets = with_sockets
            if changed or self._sockets.ports != self._ports or self._named.is_due(with_sockets, now):
                self._ports = self._sockets.ports
                self._name(with_sockets, now)
            host = HostView(
                processes=self._named.processes,
                services=self._named.services,
                ephemeral_ports=self._parts.ephemeral_ports,
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
                capabilities={**self._parts.capabilities(), **self._usage.capabilities, **self._sockets.capabilities},
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
