"""Which service a socket's bytes are counted for, and with whom it exchanges them."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.model import Endpoint, Flow, Role
from exporter.services.operations import OTHER
from exporter.services.places import Places
from exporter.services.traffic import EXTERNAL, UNKNOWN
from exporter.services.view import Ends, HostView

COUNTED_THERE = ""
"""The peer of a server whose client is on this host too: their edge is counted at the client's socket alone."""


@dataclass(frozen=True, slots=True)
class Party:
    """What the bytes of a socket are counted under.

    Attributes:
        service_name: who owns the socket.
        role: whether it asks or answers.
        peer: the service at the other end, `~external` for another host's, or `COUNTED_THERE`.
        server_port: where the server listens, `~other` for a port of passing use; empty where no edge is counted.
    """

    service_name: str
    role: Role
    peer: str
    server_port: str


class Parties:
    """Finds the party of each socket of one host.

    Args:
        places: where services are; updated here.

    Attributes:
        ephemeral_ports: the range that the kernel gives to clients.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self.ephemeral_ports = HostView().ephemeral_ports
        self._owned: Mapping[Ends, str] = {}

    def update(self, view: HostView, now: float) -> None:
        """Take the newest look at the host; `now` in seconds, never falling."""
        self._places.update(view, now)
        self.ephemeral_ports = view.ephemeral_ports
        self._owned = view.connections

    def of(self, ends: Ends) -> Party | None:
        """Return the party of a socket that is there, None as long as it is not known."""
        return self._party(ends, self._owned.get(ends), None)

    def of_closed(self, ends: Ends) -> Party:
        """Return the party of a socket that is gone or whose owner is not found: a supposition, else `~unknown`.

        Either port may be 0: that of a client, which says nothing.
        """
        supposed = self._owned.get(ends) or self._places.usual_client(_as_client(ends))
        return self._party(ends, supposed, UNKNOWN) or Party(UNKNOWN, Role.CLIENT, UNKNOWN, OTHER)

    def listening_ports(self) -> frozenset[int]:
        """Return the TCP ports that somebody listens on, or did a moment ago."""
        return self._places.listening_ports()

    def serves(self, ends: Ends) -> bool:
        """Return whether a socket was accepted, not opened, as far as can be told."""
        if self._places.listener(ends.local) is not None:
            return True
        return (
            bool(ends.local.port)
            and ends.local.port not in self.ephemeral_ports
            and ends.remote.port in self.ephemeral_ports
        )

    def _party(self, ends: Ends, owner: str | None, unknown: str | None) -> Party | None:
        if self.serves(ends):
            return self._server(ends, owner, unknown)
        server = self._places.server(_as_client(ends)) or unknown
        owner = owner or unknown
        if owner is None or server is None:
            return None
        return Party(owner, Role.CLIENT, server, self._port(ends.remote))

    def _server(self, ends: Ends, owner: str | None, unknown: str | None) -> Party | None:
        # Who listens is right also where the one that accepts is one of many workers, or has not accepted yet.
        service_name = self._places.listener(ends.local) or owner or unknown
        if service_name is None:
            return None
        if self._places.is_local(ends.remote.address):
            return Party(service_name, Role.SERVER, COUNTED_THERE, "")
        return Party(service_name, Role.SERVER, EXTERNAL, self._port(ends.local))

    def _port(self, server: Endpoint) -> str:
        is_passing = server.port in self.ephemeral_ports and self._places.listener(server) is None
        return OTHER if is_passing else str(server.port)


def _as_client(ends: Ends) -> Flow:
    return Flow(ends.local, ends.remote, "tcp", sure=True)
