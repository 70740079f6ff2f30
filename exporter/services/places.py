"""Which service is at an endpoint: what the socket tables say now, and said a moment ago."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.model import Endpoint, Flow
from exporter.services.traffic import EXTERNAL
from exporter.services.view import Ends, HostView, Listener

# A connection may close before its first exchange is recognised, so this many looks are searched.
KEPT_VIEWS = 3
MAX_CALLED = 4096  # servers whose callers are remembered


@dataclass(slots=True)
class Listening:
    """A listener that is there, or was at `seen_at` (seconds)."""

    service_name: str
    seen_at: float


class Located(Protocol):
    """Tells which services are at the ends of a flow: a name, `EXTERNAL` for another host's, None if not known."""

    def client(self, flow: Flow) -> str | None: ...

    def server(self, flow: Flow) -> str | None: ...


class Places:
    """Finds the services at both ends of a flow.

    Args:
        memory_seconds: how long a listener that is gone still names the server of its connections, and a service
            whose connections came and went is taken for the caller of further ones.
    """

    def __init__(self, memory_seconds: float) -> None:
        self._memory_seconds = memory_seconds
        self._views: deque[HostView] = deque([HostView()], KEPT_VIEWS)
        self._listeners: dict[Listener, Listening] = {}
        self._ports: dict[str, frozenset[int]] = {"tcp": frozenset(), "udp": frozenset()}  # of the listeners
        # Server -> service that called it -> when one of its connections was last seen to have gone. In that order.
        self._callers: dict[Endpoint, dict[str, float]] = {}

    def update(self, view: HostView, now: float) -> None:
        """Take the newest look; `now` in seconds, never falling."""
        before = self._views[0].connections
        self._views.appendleft(view)
        for key, service_name in view.listeners.items():
            self._listeners[key] = Listening(service_name, now)
        forgotten = [key for key, kept in self._listeners.items() if now - kept.seen_at > self._memory_seconds]
        for key in forgotten:
            del self._listeners[key]
        for transport in self._ports:
            self._ports[transport] = frozenset(one.port for one in self._listeners if one.transport == transport)
        if before is not view.connections:
            # A set of a dictionary takes over its hashes, one of its keys computes them again.
            self._remember_callers({ends: before[ends] for ends in set(before).difference(view.connections)}, now)
        self._forget_callers(now)

    def server(self, flow: Flow) -> str | None:
        """Return the service that answers, `EXTERNAL` if it is not on this host, or None if that is not known."""
        if not self.is_local(flow.server.address):
            return EXTERNAL
        return self.listener(flow.server, flow.transport) or self._holder(flow.server, flow.client)

    def client(self, flow: Flow) -> str | None:
        """Return the service that asks, `EXTERNAL` if it is not on this host, or None if that is not known."""
        if not self.is_local(flow.client.address):
            return EXTERNAL
        holder = self._holder(flow.client, flow.server)
        if holder is None and flow.transport == "udp":
            return self.listener(flow.client, "udp")  # its socket need not be connected
        return holder

    def listener(self, end: Endpoint, transport: str = "tcp") -> str | None:
        """Return who listens at an endpoint, or did a moment ago; None if nobody known."""
        if end.port not in self._ports[transport]:
            return None  # as most are: clients' ends
        for address in (end.address, self._views[0].any_address(end.address)):
            kept = self._listeners.get(Listener(transport, address, end.port))
            if kept is not None:
                return kept.service_name
        return None

    def listening_ports(self) -> frozenset[int]:
        """Return the TCP ports that somebody listens on, or did a moment ago."""
        return self._ports["tcp"]

    def is_local(self, address: str) -> bool:
        """Return whether an address is this host's own."""
        return self._views[0].is_local(address)

    def usual_client(self, flow: Flow) -> str | None:
        """Return who most likely asks, of a connection that came and went unseen: nobody else does so; None if unsure.

        It is the only service of this host whose connections to the same server were seen to come and go recently. One
        that keeps its connections is not taken for it.
        """
        callers = self._callers.get(flow.server, {}) if self.is_local(flow.client.address) else {}
        return next(iter(callers)) if len(callers) == 1 else None

    def remember(self, flow: Flow, client: str, now: float) -> None:
        """Keep in mind who asks and who used to listen while attempts to connect fail: an outage may be long."""
        for address in (flow.server.address, self._views[0].any_address(flow.server.address)):
            kept = self._listeners.get(Listener(flow.transport, address, flow.server.port))
            if kept is not None:
                kept.seen_at = max(kept.seen_at, now)
        if client != EXTERNAL:
            self._call(flow.server, client, now)

    def _call(self, server: Endpoint, client: str, now: float) -> None:
        callers = self._callers.pop(server, {})
        callers[client] = now
        self._callers[server] = callers

    def _remember_callers(self, gone: Mapping[Ends, str], now: float) -> None:
        for ends, service_name in gone.items():
            if self.listener(ends.local, "tcp") is None:  # the client's end
                self._call(ends.remote, service_name, now)

    def _forget_callers(self, now: float) -> None:
        for server, callers in list(self._callers.items()):
            late = [name for name, seen_at in callers.items() if now - seen_at > self._memory_seconds]
            for name in late:
                del callers[name]
            if not callers or len(self._callers) > MAX_CALLED:
                del self._callers[server]

    def _holder(self, local: Endpoint, remote: Endpoint) -> str | None:
        ends = Ends(local, remote)
        for view in self._views:
            service_name = view.connections.get(ends)
            if service_name is not None:
                return service_name
        return None


@dataclass(frozen=True, slots=True)
class Suppositions:
    """What `places` knows and, where it does not know the client, who most likely is."""

    places: Places

    def client(self, flow: Flow) -> str | None:
        """Return the service that asks, or most likely does."""
        return self.places.client(flow) or self.places.usual_client(flow)

    def server(self, flow: Flow) -> str | None:
        """Return the service that answers."""
        return self.places.server(flow)
