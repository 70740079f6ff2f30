"""Which service is at an endpoint: what the socket tables say now, and said a moment ago."""

from collections import deque
from dataclasses import dataclass

from exporter.model import Endpoint, Flow
from exporter.services.traffic import EXTERNAL
from exporter.services.view import ANY_ADDRESS, Ends, HostView, Listener

# A connection may close before its first exchange is recognised, so this many looks are searched.
KEPT_VIEWS = 3


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
        self._views: deque[HostView] = deque([HostView()], KEPT_VIEWS)
        self._listeners: dict[Listener, Listening] = {}

    def update(self, view: HostView, now: float) -> None:
        """Take the newest look; `now` in seconds, never falling."""
        self._views.appendleft(view)
        for key, service_name in view.listeners.items():
            self._listeners[key] = Listening(service_name, now)
        forgotten = [key for key, kept in self._listeners.items() if now - kept.seen_at > self._memory_seconds]
        for key in forgotten:
            del self._listeners[key]

    def server(self, flow: Flow) -> str | None:
        """Return the service that answers, `EXTERNAL` if it is not on this host, or None if that is not known."""
        if not self._is_local(flow.server.address):
            return EXTERNAL
        for address in (flow.server.address, ANY_ADDRESS):
            kept = self._listeners.get(Listener(flow.transport, address, flow.server.port))
            if kept is not None:
                return kept.service_name
        return self._holder(flow.server, flow.client)

    def client(self, flow: Flow) -> str | None:
        """Return the service that asks, `EXTERNAL` if it is not on this host, or None if that is not known."""
        if not self._is_local(flow.client.address):
            return EXTERNAL
        return self._holder(flow.client, flow.server)

    def _holder(self, local: Endpoint, remote: Endpoint) -> str | None:
        ends = Ends(local, remote)
        for view in self._views:
            service_name = view.connections.get(ends)
            if service_name is not None:
                return service_name
        return None

    def _is_local(self, address: str) -> bool:
        return self._views[0].is_local(address)
