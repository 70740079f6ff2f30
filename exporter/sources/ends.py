"""Keeps which service owns which connection, changing only what changed: most connections outlive many readings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.services.view import Ends, Listener
from exporter.sources.sockets import Socket


@dataclass(frozen=True, slots=True)
class _Entry:
    socket: Socket
    service: str
    ends: Ends


class SocketIndex:
    """Connections and listeners by address."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._connections: dict[Ends, str] = {}
        self._listeners: dict[Listener, str] = {}

    @property
    def connections(self) -> Mapping[Ends, str]:
        """Return the service of each TCP connection's socket; the mapping is never changed later."""
        return self._connections

    @property
    def listeners(self) -> Mapping[Listener, str]:
        """Return the service of each listener; the mapping is never changed later."""
        return self._listeners

    def update(self, sockets: Mapping[int, Socket], service_of: Callable[[Socket], str]) -> None:
        """Take a reading of all sockets.

        Args:
            sockets: by a number that stays a socket's own.
            service_of: the owner's service, empty where not known.
        """
        connections: dict[Ends, str] | None = None
        gone = self._entries.keys() - sockets.keys()
        fresh = [
            (key, one, service) for key, one in sockets.items() if self._differs(key, one, service := service_of(one))
        ]
        self._listeners = self._listening(sockets, service_of)
        if not gone and not fresh:
            return
        connections = self._connections.copy()  # keeps the hashes, which are the dear part
        for key in gone:
            connections.pop(self._entries.pop(key).ends, None)
        for key, one, service in fresh:
            self._put(connections, key, one, service)
        self._connections = connections

    def _differs(self, key: int, one: Socket, service: str) -> bool:
        if one.listening or one.transport != "tcp":
            return False
        entry = self._entries.get(key)
        return service != (entry.service if entry else "") or (entry is not None and entry.socket is not one)

    def _put(self, connections: dict[Ends, str], key: int, one: Socket, service: str) -> None:
        before = self._entries.pop(key, None)
        if before is not None:
            connections.pop(before.ends, None)
        if service:
            entry = self._entries[key] = _Entry(one, service, Ends(one.local, one.remote))
            connections[entry.ends] = service

    @staticmethod
    def _listening(sockets: Mapping[int, Socket], service_of: Callable[[Socket], str]) -> dict[Listener, str]:
        listening = [(one, service_of(one)) for one in sockets.values() if one.listening]
        return {
            Listener(one.transport, one.local.address, one.local.port): service for one, service in listening if service
        }
