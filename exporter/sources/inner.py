"""The sockets and addresses of other network namespaces, beside those of this process's own.

A socket at a loopback address is told with its namespace's zone (`net/zones.py`), as the packets of that loopback are,
and so is one that is bound to all addresses. The other addresses of a namespace are told once more with the zone, which
says where who listens on all addresses is to be looked for.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from exporter.model import Endpoint
from exporter.net.zones import SEPARATOR, is_loopback, zoned
from exporter.services.transfers import TcpLook
from exporter.services.view import ANY_ADDRESS
from exporter.sources.errors import SourceError
from exporter.sources.namespaces import Namespace, Namespaces, within
from exporter.sources.netlink import DiagSockets, local_addresses
from exporter.sources.sockets import Socket, SocketSource

log = logging.getLogger(__name__)

FOLLOWED_SECONDS = 5.0  # as often interfaces are looked for


@dataclass(slots=True)
class Inner:
    """One namespace: its sockets by cookie as they were told and as they are told here, and its addresses."""

    source: SocketSource
    addresses: frozenset[str]
    told: dict[int, tuple[Socket, Socket]] = field(default_factory=dict)


class NamespacedSockets:
    """Reads the sockets of a host's namespaces.

    Args:
        own: reads those of this process's own.
        namespaces: finds the others.
        addresses: returns the addresses of this process's own; raises OSError or ValueError where it cannot.
        clock: seconds, never falling.
    """

    def __init__(
        self,
        own: SocketSource,
        namespaces: Namespaces,
        addresses: Callable[[], frozenset[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.own = own
        self._addresses = addresses
        self._namespaces = namespaces
        self._clock = clock
        self._followed_at = float("-inf")
        self._inner: dict[Namespace, Inner] = {}
        self._failing: set[int] = set()

    @property
    def tcp(self) -> TcpLook:
        """Return what TCP said of this process's own sockets; the others' transfers are not counted."""
        return self.own.tcp

    def read(self) -> Mapping[int, Socket]:
        """Return every socket by its cookie, which no two namespaces give twice.

        Raises:
            OSError, ValueError: those of this process's own namespace cannot be read.
        """
        self._follow()
        own = self.own.read()
        if not self._inner:
            return own
        found = dict(own)
        for namespace, inner in list(self._inner.items()):
            try:
                inner.told = _told(inner, inner.source.read(), namespace.zone)
            except (OSError, ValueError) as error:
                self._fail(namespace, str(error))
                self._leave(namespace)
            else:
                found.update({cookie: told for cookie, (_, told) in inner.told.items()})
        return found

    def addresses(self) -> frozenset[str]:
        """Return the addresses of all interfaces, those of other namespaces with their zones.

        Raises:
            OSError, ValueError: those of this process's own namespace cannot be read.
        """
        inner = (
            f"{address}{SEPARATOR}{namespace.zone}"
            for namespace, one in list(self._inner.items())
            for address in one.addresses
            if not is_loopback(address)
        )
        return self._addresses().union(inner)

    def close(self) -> None:
        """Let go of every namespace."""
        for namespace in list(self._inner):
            self._leave(namespace)
        self.own.close()

    def _follow(self) -> None:
        """Once in a while, take up the namespaces that came and let go of those that went."""
        now = self._clock()
        if now - self._followed_at < FOLLOWED_SECONDS:
            return
        self._followed_at = now
        found = self._namespaces.find()
        inodes = {namespace.inode for namespace in found}
        known = {namespace.inode for namespace in self._inner}
        for namespace in [namespace for namespace in self._inner if namespace.inode not in inodes]:
            self._leave(namespace)
        for namespace in found:
            if namespace.inode not in known:
                self._enter(namespace)
        self._failing &= inodes

    def _enter(self, namespace: Namespace) -> None:
        try:
            self._inner[namespace] = within(namespace, lambda: Inner(DiagSockets(), local_addresses()))
        except (SourceError, OSError, ValueError) as error:
            self._fail(namespace, str(error))

    def _leave(self, namespace: Namespace) -> None:
        self._inner.pop(namespace).source.close()

    def _fail(self, namespace: Namespace, reason: str) -> None:
        if namespace.inode not in self._failing:
            log.warning("sockets of a network namespace unreadable", extra={"reason": reason})
        self._failing.add(namespace.inode)


def _told(inner: Inner, sockets: Mapping[int, Socket], zone: int) -> dict[int, tuple[Socket, Socket]]:
    """Return each socket with how it is told; what did not change is told by the object of before."""
    told: dict[int, tuple[Socket, Socket]] = {}
    for cookie, one in sockets.items():
        before = inner.told.get(cookie)
        if before is not None and before[0] is one:
            told[cookie] = before
        else:
            told[cookie] = one, replace(one, local=_placed(one.local, zone), remote=_placed(one.remote, zone))
    return told


def _placed(end: Endpoint, zone: int) -> Endpoint:
    if end.address == ANY_ADDRESS:
        return Endpoint(f"{ANY_ADDRESS}{SEPARATOR}{zone}", end.port)
    return Endpoint(zoned(end.address, zone), end.port)
