"""A packet socket on one interface, and its filter: where a ring's packets come from."""

import errno
import socket
from dataclasses import replace

from exporter.sources import classicfilter
from exporter.sources.classicfilter import ALL, Kept, Sample, Snap
from exporter.sources.errors import SourceError
from exporter.sources.filters import PacketFilter
from exporter.sources.interfaces import Interface

SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
SILENT = 0x88B5  # a type for experiments: a socket bound to it costs the other packets nothing


class Tap:
    """Keeps nothing before it is bound.

    Args:
        kept: of the packets, at first.
        packet_filter: the tap's own; closed with it.
        paused: whether to capture nothing before `resume`.

    Attributes:
        socket: of the family AF_PACKET.

    Raises:
        SourceError: packet sockets are not permitted or not supported, or the kernel refused the filter.
    """

    def __init__(self, interface: Interface, kept: Kept, packet_filter: PacketFilter, paused: bool) -> None:
        self.filter = packet_filter
        self._interface = interface
        self._kept = kept
        self._open = not paused
        self._away = False
        try:
            self.socket = open_socket()
        except SourceError:
            packet_filter.close()
            raise
        try:
            if interface.loopback:
                # Every packet passes twice here, on its way out and in.
                self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            classicfilter.attach(self.socket, classicfilter.NOTHING)
            self.cut(kept.snap)
        except SourceError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise SourceError(f"no filter on interface {interface.name}: {error.strerror}") from error

    def bind(self) -> None:
        """Come to the interface.

        Raises:
            OSError: it is gone.
        """
        self.socket.bind((self._interface.name, ETH_P_ALL))

    def cut(self, snap: Snap, sample: Sample = ALL) -> None:
        """Copy so much of each packet, and these flows, from now on, or once captured again.

        Raises:
            OSError: the kernel refused the filter.
        """
        self._kept = replace(self._kept, snap=snap, sample=sample)
        if self._open:
            self.filter.attach(self.socket, self._kept)

    def pause(self) -> None:
        """Capture nothing from this moment on until `resume`."""
        self._open = False
        classicfilter.attach(self.socket, classicfilter.NOTHING)

    def leave(self) -> None:
        """Spare the interface's packets the cost of a capture while it is paused; this takes the kernel a while.

        Raises:
            OSError: the interface is gone.
        """
        if not self._away:
            self.socket.bind((self._interface.name, SILENT))
            self._away = True

    def prepare(self) -> None:
        """Come back to the interface, still without capturing: this takes the kernel a while.

        Raises:
            OSError: the interface is gone.
        """
        if self._away:
            self.bind()
            self._away = False

    def resume(self) -> None:
        """Capture again from this moment on."""
        self._open = True
        self.filter.attach(self.socket, self._kept)

    def close(self) -> None:
        """Stop capturing."""
        self.socket.close()
        self.filter.close()


def open_socket() -> socket.socket:
    """Return a packet socket that receives nothing before it is bound.

    Raises:
        SourceError: not permitted, or not supported.
    """
    family = getattr(socket, "AF_PACKET", None)
    if family is None:
        raise SourceError("packet capture needs AF_PACKET, which only Linux has")
    try:
        return socket.socket(family, socket.SOCK_RAW, 0)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EACCES):
            raise SourceError("packet capture is not permitted: CAP_NET_RAW is missing") from error
        raise SourceError(f"no packet socket: {error.strerror}") from error
