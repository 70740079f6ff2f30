"""What each network namespace of a host sees of its services; pure.

A namespace sees its own addresses as they are. Those of the others have the suffix of their zone (`net/zones.py`), the
zone 0 of the host's own namespace among them, and so has what listens on all addresses there. A connection is told by
its ends; at loopback addresses those have the suffix as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.model import Endpoint
from exporter.net.zones import SEPARATOR, is_loopback
from exporter.services.view import ANY_ADDRESS, Ends, HostView, Listener


@dataclass(frozen=True, slots=True)
class Inside:
    """What there is in a namespace, at addresses without a suffix; the mappings do not change once given.

    Attributes:
        zone: 0 for the host's own namespace.
        listeners, connections: of known services.
        addresses: of all interfaces, in text.
    """

    zone: int
    listeners: Mapping[Listener, str]
    connections: Mapping[Ends, str]
    addresses: frozenset[str]


class Outlook:
    """Makes the views; what did not change since the last time is the same object as then."""

    def __init__(self) -> None:
        self._joined: tuple[Mapping[Ends, str], ...] = ()
        self._connections: Mapping[Ends, str] = {}
        self._addresses: dict[int, frozenset[str]] = {}

    def views(self, insides: Sequence[Inside], host: HostView) -> list[HostView]:
        """Return what each namespace sees, the first of which sees the loopbacks of all others too.

        Args:
            host: what is the same everywhere.
        """
        first, *others = insides
        if not others:
            return [_view(host, first.listeners, first.connections, first.addresses)]
        shared: dict[Listener, str] = {}
        places: dict[str, int] = {}
        for inside in reversed(insides):  # the host's own wins
            shared.update(_placed(inside, outward=True))
            places.update(dict.fromkeys((one for one in inside.addresses if not is_loopback(one)), inside.zone))
        inner: dict[Listener, str] = {}
        for inside in others:
            inner.update(_placed(inside, outward=False))
        addresses = self._seen(insides, places)
        listeners = {**shared, **inner, **first.listeners}
        return [
            _view(host, listeners, self._all_connections(insides), addresses[0]),
            *(
                _view(host, {**shared, **inside.listeners}, inside.connections, seen)
                for inside, seen in zip(others, addresses[1:], strict=True)
            ),
        ]

    def _all_connections(self, insides: Sequence[Inside]) -> Mapping[Ends, str]:
        parts = tuple(inside.connections for inside in insides)
        if len(parts) != len(self._joined) or any(a is not b for a, b in zip(parts, self._joined, strict=True)):
            joined: dict[Ends, str] = {}
            for inside in insides[1:]:
                joined.update(
                    (_placed_ends(ends, inside.zone), service) for ends, service in inside.connections.items()
                )
            joined.update(parts[0])
            self._joined, self._connections = parts, joined
        return self._connections

    def _seen(self, insides: Sequence[Inside], places: Mapping[str, int]) -> list[frozenset[str]]:
        """Return the addresses of all namespaces as each sees them."""
        placed = {address: f"{address}{SEPARATOR}{zone}" for address, zone in places.items()}
        every = frozenset(placed.values())
        before, self._addresses = self._addresses, {}
        for inside in insides:
            own = {placed[address] for address in inside.addresses if address in placed}
            seen = (every - own) | inside.addresses
            kept = before.get(inside.zone)
            self._addresses[inside.zone] = kept if kept is not None and kept == seen else seen
        return [self._addresses[inside.zone] for inside in insides]


def _view(
    host: HostView, listeners: Mapping[Listener, str], connections: Mapping[Ends, str], addresses: frozenset[str]
) -> HostView:
    return replace(host, listeners=listeners, connections=connections, local_addresses=addresses)


def _placed(inside: Inside, outward: bool) -> dict[Listener, str]:
    """Return who listens as others see it: `outward` at addresses that lead there, else at loopback ones."""
    return {
        Listener(listener.transport, _suffixed(listener.address, inside.zone), listener.port): service
        for listener, service in inside.listeners.items()
        if is_loopback(listener.address) is not outward
    }


def _placed_ends(ends: Ends, zone: int) -> Ends:
    if not is_loopback(ends.local.address):
        return ends
    local = Endpoint(_suffixed(ends.local.address, zone), ends.local.port)
    return Ends(local, Endpoint(_suffixed(ends.remote.address, zone), ends.remote.port))


def _suffixed(address: str, zone: int) -> str:
    return f"{address}{SEPARATOR}{zone}" if address == ANY_ADDRESS or is_loopback(address) else address
