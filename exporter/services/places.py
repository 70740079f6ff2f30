"""Which service is at an endpoint: what the socket tables say now, and said a moment ago."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.model import Endpoint, Flow
from exporter.services.traffic import EXTERNAL

ListenKey = tuple[str, str, int]
"""Transport, address (`*` for all of them) and port."""
ConnectionKey = tuple[Endpoint, Endpoint]
"""The local and the remote end."""
ANY_ADDRESS = "*"
# A connection may close before its first exchange is recognised, so the tables of this many looks are searched.
KEPT_TABLES = 3


@dataclass(frozen=True, slots=True)
class SocketTables:
    """What the kernel's socket tables say at one moment, with services for processes.

    Attributes:
        listeners: who accepts connections.
        connections: who holds the local end of a connection; on loopback both ends are local, with an entry each.
        local_addresses: this host's own addresses.
    """

    listeners: Mapping[ListenKey, str] = field(default_factory=dict)
    connections: Mapping[ConnectionKey, str] = field(default_factory=dict)
    local_addresses: frozenset[str] = frozenset()


@dataclass(slots=True)
class Listening:
    """A listener that is there, or was at `seen_at` (seconds)."""

    service_name: str
    seen_at: float


class Places:
    """Finds the services at both ends of a flow.

    Args:
        memory_seconds: how long a listener that is gone still names the server of its connections.
    """

    def __init__(self, memory_seconds: float) -> None:
        self._memory_seconds = memory_seconds
        self._tables: deque[SocketTables] = deque([SocketTables()], KEPT_TABLES)
        self._listeners: dict[ListenKey, Listening] = {}

    def update(self, tables: SocketTables, now: float) -> None:
        """Take the newest tables; `now` in seconds, never falling."""
        self._tables.appendleft(tables)
        for key, service_name in tables.listeners.items():
            self._listeners[key] = Listening(service_name, now)
        forgotten = [key for key, kept in self._listeners.items() if now - kept.seen_at > self._memory_seconds]
        for key in forgotten:
            del self._listeners[key]

    def server(self, flow: Flow) -> str | None:
        """Return the service that answers, `EXTERNAL` if it is not on this host, or None if that is not known."""
        if not self._is_local(flow.server.address):
            return EXTERNAL
        for address in (flow.server.address, ANY_ADDRESS):
            kept = self._listeners.get((flow.transport, address, flow.server.port))
            if kept is not None:
                return kept.service_name
        return self._holder(flow.server, flow.client)

    def client(self, flow: Flow) -> str | None:
        """Return the service that asks, `EXTERNAL` if it is not on this host, or None if that is not known."""
        if not self._is_local(flow.client.address):
            return EXTERNAL
        return self._holder(flow.client, flow.server)

    def _holder(self, local: Endpoint, remote: Endpoint) -> str | None:
        for tables in self._tables:
            service_name = tables.connections.get((local, remote))
            if service_name is not None:
                return service_name
        return None

    def _is_local(self, address: str) -> bool:
        return address == "::1" or address.startswith("127.") or address in self._tables[0].local_addresses
