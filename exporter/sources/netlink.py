"""Asks the kernel for sockets and addresses over netlink; needs no privilege."""

import socket
from collections.abc import Callable, Mapping

from exporter.sources import rtnetlink, sockdiag
from exporter.sources.sockets import Socket

_NETLINK_SOCK_DIAG = 4
_RECEIVE_BYTES = 1 << 18
_TIMEOUT_SECONDS = 2.0
_QUESTIONS = tuple(
    (family, protocol) for protocol in (sockdiag.TCP, sockdiag.UDP) for family in (socket.AF_INET, socket.AF_INET6)
)


class DiagSockets:
    """Reads the sockets of this process's network namespace through sock_diag."""

    def __init__(self, open_channel: Callable[[], socket.socket] | None = None) -> None:
        """Open the netlink socket.

        Args:
            open_channel: opens the socket over which the kernel is asked; by default sock_diag's.

        Raises:
            OSError: there is no such netlink family, or it is forbidden.
        """
        self._open_channel = open_channel or _diag_channel
        self._channel: socket.socket | None = self._open_channel()
        self._known: dict[int, dict[int, Socket]] = {protocol: {} for _, protocol in _QUESTIONS}

    def read(self) -> Mapping[int, Socket]:
        """Return every TCP and UDP socket but those in TIME_WAIT, by cookie.

        Raises:
            OSError: the kernel refuses or does not answer.
            ValueError: the answer cannot be decoded.
        """
        live: dict[int, dict[int, Socket]] = {protocol: {} for _, protocol in _QUESTIONS}
        for family, protocol in _QUESTIONS:
            try:
                self._dump(family, protocol, live[protocol])
            except sockdiag.DiagError:
                # A kernel without IPv6, or with UDP's part not loaded, says so for those alone.
                if (family, protocol) == (socket.AF_INET, sockdiag.TCP):
                    raise
        self._known = live
        return {cookie: one for sockets in live.values() for cookie, one in sockets.items()}

    def _dump(self, family: int, protocol: int, live: dict[int, Socket]) -> None:
        channel = self._channel = self._channel or self._open_channel()
        try:
            channel.send(sockdiag.request(family, protocol))
            while not sockdiag.decode(channel.recv(_RECEIVE_BYTES), protocol, self._known[protocol], live):
                pass
        except sockdiag.DiagError:
            raise
        except (OSError, ValueError):
            # What is left of the answer must not be taken for the next one's.
            self.close()
            raise

    def close(self) -> None:
        """Close the netlink socket; a later reading opens another one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def _diag_channel() -> socket.socket:
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
    channel.settimeout(_TIMEOUT_SECONDS)
    # More room lets the kernel answer in fewer datagrams; it may grant less.
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return channel


def local_addresses() -> frozenset[str]:
    """Return the addresses of all interfaces, in text.

    Raises:
        OSError: the kernel refuses or does not answer.
        ValueError: the answer cannot be decoded.
    """
    found: set[str] = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as channel:
        channel.settimeout(_TIMEOUT_SECONDS)
        channel.send(rtnetlink.request())
        while not rtnetlink.decode(channel.recv(_RECEIVE_BYTES), found):
            pass
    return frozenset(found)
