"""What is known of a host's services at one moment, for those who attribute connections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from exporter.identity.facts import ProcessFacts, ServiceIdentity
from exporter.model import Endpoint
from exporter.net.zones import SEPARATOR, is_loopback, suffix

ANY_ADDRESS = "*"


@dataclass(frozen=True, slots=True)
class Process:
    """A process and the name of its service.

    Attributes:
        starts: whether it is the first process of an instance of the service, not a worker of one.
    """

    facts: ProcessFacts
    service: str
    starts: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a service listens.

    Attributes:
        transport: "tcp" or "udp".
        address: the IP address in text, `*` for every address.
        port: in host order.
    """

    transport: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Ends:
    """A TCP connection as one of its sockets sees it."""

    local: Endpoint
    remote: Endpoint


@lru_cache(maxsize=128)  # each network namespace has its own
def zones_of(addresses: frozenset[str]) -> Mapping[str, str]:
    """Return the suffix of the zone that each address of another network namespace belongs to."""
    return {address.partition(SEPARATOR)[0]: suffix(address) for address in addresses if SEPARATOR in address}


@dataclass(frozen=True, slots=True)
class HostView:
    """A host's services; the mappings do not change once given.

    Attributes:
        processes: by PID, kernel threads left out.
        services: by name, those with a process.
        listeners: who listens where.
        connections: which service owns the socket; sockets whose owner is not known are left out.
        local_addresses: of all interfaces, in text; those of other network namespaces with their zones.
        ephemeral_ports: the range that the kernel gives to clients.
        renamed: names that turned out to be a young process's first ones, and what it is called now.
    """

    processes: Mapping[int, Process] = field(default_factory=dict)
    services: Mapping[str, ServiceIdentity] = field(default_factory=dict)
    listeners: Mapping[Listener, str] = field(default_factory=dict)
    connections: Mapping[Ends, str] = field(default_factory=dict)
    local_addresses: frozenset[str] = frozenset()
    ephemeral_ports: range = range(32768, 61000)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def is_local(self, address: str) -> bool:
        """Return whether an address is this host's own, or of a network namespace of it."""
        return address in self.local_addresses or is_loopback(address) or address in zones_of(self.local_addresses)

    def any_address(self, address: str) -> str:
        """Return what who listens on all addresses listens on if it is reached at this address."""
        return ANY_ADDRESS + (suffix(address) or zones_of(self.local_addresses).get(address, ""))

    def service_at(self, end: Endpoint, transport: str = "tcp") -> str:
        """Return who listens at an endpoint, empty where nobody known does or it is another host's."""
        exact = self.listeners.get(Listener(transport, end.address, end.port))
        if exact is not None:
            return exact
        every = Listener(transport, self.any_address(end.address), end.port)
        return self.listeners.get(every, "") if self.is_local(end.address) else ""

    def service_of(self, local: Endpoint, remote: Endpoint) -> str:
        """Return who owns the socket at `local` of a connection with `remote`, empty where not known."""
        return self.connections.get(Ends(local, remote), "")
