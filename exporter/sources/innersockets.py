"""Follows the sockets of a host's other network namespaces, such as those of containers."""

import logging
import socket
from collections.abc import Set
from contextlib import suppress
from functools import partial

from exporter.services.transfers import Ledger
from exporter.sources.closings import Closings
from exporter.sources.following import SocketFollower
from exporter.sources.namespaces import Namespace, Namespaces
from exporter.sources.netlink import DiagSockets, diag_channel, local_addresses

log = logging.getLogger(__name__)


class InnerSockets:
    """What follows the sockets of each namespace.

    Args:
        namespaces: where they are found.
        ledger: where it is counted what their sockets transfer.

    Attributes:
        left: the inodes of the sockets in namespaces that were gone at the last refresh.
    """

    def __init__(self, namespaces: Namespaces, ledger: Ledger) -> None:
        self._namespaces = namespaces
        self._ledger = ledger
        self._rounds = 0
        self._failed: set[Namespace] = set()
        self._followed: dict[Namespace, SocketFollower] = {}
        self._said = False
        self.left: set[int] = set()

    @property
    def followers(self) -> list[SocketFollower]:
        """Return what follows each namespace; from any thread."""
        return list(self._followed.values())

    @property
    def is_permitted(self) -> bool:
        """Whether every namespace that was tried could be entered."""
        return not self._failed

    def refresh(self, pids: Set[int], now: float) -> None:
        """Follow the namespaces of these processes, and no longer those that are gone; `now` in seconds."""
        self._rounds += 1
        found = self._namespaces.refresh(pids, now)
        self._failed.intersection_update(found)
        self.left = set()
        for namespace in self._followed.keys() - set(found):
            follower = self._followed.pop(namespace)
            self.left.update(follower.inodes)
            follower.close()
        for namespace in found:
            if namespace not in self._followed and namespace not in self._failed:
                self._follow(namespace)
        if self._namespaces.left_out and not self._said:
            self._said = True
            log.warning("network namespaces left out", extra={"namespaces": self._namespaces.left_out})

    def close(self) -> None:
        """Let go of every descriptor."""
        for follower in self.followers:
            follower.close()
        self._followed.clear()

    def _follow(self, namespace: Namespace) -> None:

        def channel() -> socket.socket:
            return self._namespaces.within(namespace, diag_channel)

        try:
            source = DiagSockets(channel)
        except OSError:  # it may not be entered, or has no sock_diag: told with all else that is missing
            self._failed.add(namespace)
            return
        closings = None
        with suppress(OSError):
            closings = Closings(channel)
        addresses = partial(self._namespaces.within, namespace, local_addresses)
        # What is there at the exporter's own start counts from then on, as in its own namespace.
        is_new = self._rounds > 1
        self._followed[namespace] = SocketFollower(source, closings, addresses, self._ledger, is_new, namespace.zone)
