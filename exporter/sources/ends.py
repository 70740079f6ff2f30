"""Keeps which service owns which connection, changing only what changed: most connections outlive many readings.

Compiled where possible: hosts have tens of thousands of sockets.
"""

from collections.abc import Iterable, Mapping, Set

from exporter.services.view import Ends, Listener
from exporter.sources.sockets import Socket, SocketLook


class _Entry:
    """What is known of one connection."""

    __slots__ = ("ends", "service")

    def __init__(self, socket: Socket, service: str) -> None:
        self.service = service
        self.ends = Ends(socket.local, socket.remote)


class SocketIndex:
    """Connections and listeners by address.

    Attributes:
        changed: keys of the connections that are another service's since the last reading, or became known.
        came, left: the inodes that the last reading had and the one before had not, and the other way round.
        listening: the sockets that wait for clients, by key.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._keys: dict[int, int] = {}  # by inode
        self._connections: dict[Ends, str] = {}
        self._listeners: dict[Listener, str] = {}
        self.listening: dict[int, Socket] = {}
        self.changed: set[int] = set()
        self.came: set[int] = set()
        self.left: set[int] = set()
        # Keys of those that came, and of those that went, since services were last told.
        self._pending: set[int] = set()
        self._gone: set[int] = set()

    @property
    def inodes(self) -> Set[int]:
        """Return the inodes of the sockets that have one."""
        return self._keys.keys()

    @property
    def connections(self) -> Mapping[Ends, str]:
        """Return the service of each TCP connection's socket; the mapping is never changed later."""
        return self._connections

    @property
    def listeners(self) -> Mapping[Listener, str]:
        """Return the service of each listener; the mapping is never changed later."""
        return self._listeners

    def take(self, look: SocketLook) -> None:
        """Take a reading of all sockets."""
        gone, keys, listening = look.gone, self._keys, self.listening
        came: set[int] = set()
        left: set[int] = set()
        for key, one in gone.items():
            if keys.get(one.inode) == key:
                del keys[one.inode]
                left.add(one.inode)
            listening.pop(key, None)
        for key in look.fresh:
            one = look.sockets[key]
            if one.inode:
                keys[one.inode] = key
                came.add(one.inode)
            if one.listening:
                listening[key] = one
        self.came, self.left = came - left, left - came
        self._pending.difference_update(gone)
        self._pending.update(look.fresh)
        self._gone.update(gone)

    def attribute(self, sockets: Mapping[int, Socket], services: Mapping[int, str], touched: Iterable[int]) -> None:
        """Take who owns the sockets.

        Args:
            sockets: those of the last reading.
            services: the owner's service by inode, as far as known.
            touched: the inodes for which it changed since the last time.
        """
        keys, pending, entries = self._keys, self._pending, self._entries
        dropped = [entries.pop(key) for key in self._gone if key in entries]
        self._gone = set()
        for inode in touched:
            if inode in keys:
                pending.add(keys[inode])
        self._pending = set()
        fresh: list[tuple[int, Socket, str]] = []
        for key in pending:
            one, entry = sockets[key], entries.get(key)
            service = services.get(one.inode, "") if one.inode else ""
            if not one.listening and one.transport == "tcp" and service != (entry.service if entry is not None else ""):
                fresh.append((key, one, service))
        self.changed = {key for key, _, _ in fresh}
        self._change(dropped, fresh)
        self._listeners = {
            Listener(one.transport, one.local.address, one.local.port): services[one.inode]
            for one in self.listening.values()
            if services.get(one.inode)
        }

    def _change(self, dropped: list[_Entry], fresh: list[tuple[int, Socket, str]]) -> None:
        """Apply to a copy of the connections which ones are gone, and which ones are another service's."""
        if not dropped and not fresh:
            return
        connections = self._connections.copy()  # keeps the hashes, the expensive part
        for entry in dropped:
            connections.pop(entry.ends, None)
        for key, one, service in fresh:
            before = self._entries.pop(key, None)
            if before is not None:
                connections.pop(before.ends, None)
            if service:
                entry = self._entries[key] = _Entry(one, service)
                connections[entry.ends] = service
        self._connections = connections
