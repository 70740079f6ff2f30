"""Finds whose TCP sockets are; of those that are gone, alike ones but once."""

from collections.abc import Mapping

from exporter.model import Endpoint
from exporter.services.parties import Parties, Party
from exporter.services.tcpsocket import TcpSocket
from exporter.services.view import Ends
from exporter.sources.sockdiag import address
from exporter.sources.sockets import Socket


class SocketFinder:
    """Implements `services.transfers.Finder`, for one look.

    Args:
        sockets: those of the look, by cookie.
    """

    def __init__(self, parties: Parties, sockets: Mapping[int, Socket]) -> None:
        self._parties = parties
        self._sockets = sockets
        self._served = parties.listening_ports()
        self._passing = parties.ephemeral_ports
        self._closed: dict[tuple[bytes, int, bytes, int], Party] = {}

    def of(self, socket: TcpSocket) -> Party | None:
        """Return the party of a socket that is there, None as long as it is not known."""
        one = self._sockets.get(socket.cookie)
        return self._parties.of(Ends(one.local, one.remote)) if one is not None else None

    def of_closed(self, socket: TcpSocket) -> Party:
        """Return the most likely party of a socket; a client's port says nothing, so many are alike."""
        local_port, remote_port = socket.local_port, socket.remote_port
        if local_port in self._served:
            remote_port = 0
        elif local_port in self._passing:
            local_port = 0
        key = (socket.local, local_port, socket.remote, remote_port)
        party = self._closed.get(key)
        if party is None:
            local = Endpoint(address(socket.family, socket.local), local_port)
            remote = Endpoint(address(socket.family, socket.remote), remote_port)
            party = self._closed[key] = self._parties.of_closed(Ends(local, remote))
        return party
