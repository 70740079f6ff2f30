"""Keeps which service owns which connection, changing only what changed: most connections outlive many readings.

Compiled where possible: all sockets are gone through at each reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.services.view import Ends, Listener
from exporter.sources.sockets import Socket


@dataclass(frozen=True, slots=True)
class _Entry:
    socket: Socket
    service: str
    ends: Ends


class SocketIndex:
    """Connections and listeners by address.

    Attributes:
        changed: keys of the connections that are another service's since the last reading, or became known.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._connections: dict[Ends, str] = {}
        self._listeners: dict[Listener, str] = {}
        self.changed: set[int] = set()

    @property
    def connections(self) -> Mapping[Ends, str]:
        """Return the service of each TCP connection's socket; the mapping is never changed later."""
        return self._connections

    @property
    def listeners(self) -> Mapping[Listener, str]:
        """Return the service of each listener; the mapping is never changed later."""
        return self._listeners

    def update(self, sockets: Mapping[int, Socket], services: Mapping[int, str]) -> None:
        """Take a reading of all sockets.

        Args:
            sockets: by a number that stays a socket's own.
            services: the owner's service by inode, as far as known.
        """
        fresh: list[tuple[int, Socket, str]] = []
        listeners: dict[Listener, str] = {}
        entries = self._entries
        for key, one in sockets.items():
            inode = one.inode
            service = services[inode] if inode in services else ""  # noqa: SIM401  # a call less, for every socket
            entry = entries.get(key)
            if entry is not None and entry.socket is one and entry.service == service:
                continue
            if one.listening:
                if service:
                    listeners[Listener(one.transport, one.local.address, one.local.port)] = service
            elif one.transport == "tcp" and (service or entry is not None):
                fresh.append((key, one, service))
        self._listeners = listeners
        self.changed = {key for key, _, _ in fresh}
        self._change(entries.keys() - sockets.keys(), fresh)

    def _change(self, gone: set[int], fresh: list[tuple[int, Socket, str]]) -> None:
        """Apply what changed to a copy of the connections."""
        if not gone and not fresh:
            return
        connections = self._connections.copy()  # keeps the hashes, the expensive part
        for key in gone:
            connections.pop(self._entries.pop(key).ends, None)
        for key, one, service in fresh:
            self._put(connections, key, one, service)
        self._connections = connections

    def _put(self, connections: dict[Ends, str], key: int, one: Socket, service: str) -> None:
        before = self._entries.pop(key, None)
        if before is not None:
            connections.pop(before.ends, None)
        if service:
            entry = self._entries[key] = _Entry(one, service, Ends(one.local, one.remote))
            connections[entry.ends] = service
