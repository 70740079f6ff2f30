"""Keeps which service owns which connection, changing only what changed: most connections outlive many readings.

Compiled where possible: all sockets are gone through at each reading.
"""

from collections.abc import Mapping

from exporter.services.view import Ends, Listener
from exporter.sources.sockets import Socket


class _Entry:
    """What is known of one connection; beside its socket, so that this need not be looked into again."""

    __slots__ = ("ends", "inode", "service", "socket")

    def __init__(self, socket: Socket, service: str) -> None:
        self.socket = socket
        self.inode = socket.inode
        self.service = service
        self.ends = Ends(socket.local, socket.remote)


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
        owned = services if isinstance(services, dict) else dict(services)
        for key, one in sockets.items():
            entry = entries.get(key)
            if entry is not None and entry.socket is one and entry.service == owned.get(entry.inode, ""):
                continue
            service = owned.get(one.inode, "")
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
            entry = self._entries.pop(key)
            connections.pop(entry.ends, None)
        for key, one, service in fresh:
            self._put(connections, key, one, service)
        self._connections = connections

    def _put(self, connections: dict[Ends, str], key: int, one: Socket, service: str) -> None:
        before = self._entries.pop(key, None)
        if before is not None:
            connections.pop(before.ends, None)
        if service:
            entry = self._entries[key] = _Entry(one, service)
            connections[entry.ends] = service
