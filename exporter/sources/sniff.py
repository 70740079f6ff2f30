"""Captures by scapy where there is no AF_PACKET: macOS, the BSDs, Windows. Far slower than a ring; nothing else can.

scapy is imported only when a sniffer is opened: it takes a third of a second and 30 MB.
"""

import contextlib
import logging
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from exporter.net.engine import Engine
from exporter.services.picks import Block
from exporter.sources.classicfilter import Sample
from exporter.sources.errors import SourceError
from exporter.sources.source import CaptureStats, Choice, Drained

log = logging.getLogger(__name__)

METHOD = "scapy"
MOST_PACKETS = 5000  # of one drain: a busy interface must not keep the loop from its other work
MOST_INTERFACES = 64
LONGEST_FRAME = 0xFFFF
BUFFER_BYTES = 4 << 20  # of an interface; scapy's default holds a few packets
SO_RCVBUFFORCE = 33  # beyond what an ordinary process may ask for; Linux
LINKS = {"Ether": 1, "Loopback": 0, "CookedLinux": 113, "CookedLinuxV2": 276, "PPP": 9, "IP": 101, "IPv6": 101}


class Sniffer:
    """One interface, from its opening on.

    Raises:
        SourceError: scapy cannot capture there, or its frames begin with what is not known here.
    """

    def __init__(self, interface: str) -> None:
        self.packets = 0
        try:
            config: Any = import_module("scapy.all").conf
            config.bufsize = BUFFER_BYTES
            self._socket: Any = config.L2listen(iface=interface)
        except Exception as error:  # scapy and libpcap raise what they like, up to bare Exception
            raise SourceError(f"scapy cannot capture on {interface}: {error}") from error
        _enlarge(getattr(self._socket, "ins", None))
        kind = getattr(self._socket, "LL", None) or config.default_l2
        if kind.__name__ not in LINKS:
            self._socket.close()
            raise SourceError(f"frames of {interface} begin with {kind.__name__}, which is not known")
        self._link = LINKS[kind.__name__]

    def drain(self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True) -> int:
        """Have the engine read what has arrived, for as long as it may; return the number of packets.

        Raises:
            SourceError: the interface is gone.
        """
        count = 0
        while count < MOST_PACKETS and may_go_on() and self._ready():
            try:
                _kind, data, seconds = self._socket.recv_raw(LONGEST_FRAME)
            except OSError as error:
                raise SourceError(f"the capture ended: {error.strerror}") from error
            if data is None:  # a packet's way out, which is seen on its way in
                continue
            engine.frame(bytes(data), self._link, len(data), int((seconds or 0) * 1e9))
            count += 1
        self.packets += count
        return count

    def close(self) -> None:
        """Stop capturing."""
        self._socket.close()

    def _ready(self) -> bool:
        return bool(self._socket.select([self._socket], 0))


def _enlarge(sock: object) -> None:
    """Enlarge the buffer of a socket beyond the system's limit, where that is allowed."""
    if isinstance(sock, socket.socket) and sys.platform == "linux":
        with contextlib.suppress(PermissionError):
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)


class SniffedCapture:
    """The sniffers of one host, which come and go with its interfaces; they capture all flows, for lack of a filter.

    Args:
        interfaces: the names to capture; every interface where it is empty.

    Raises:
        SourceError: no interface at all can be captured; says what is missing.
    """

    chooses_flows = chooses_blocks = False

    def __init__(self, interfaces: tuple[str, ...]) -> None:
        self._names = interfaces
        self._sniffers: dict[str, Sniffer] = {}
        self._refused: dict[str, str] = {}
        self._gone_packets = 0
        self._paused = False
        self.refresh()
        if not self._sniffers:
            reasons = (*self._refused.values(), "no interface to capture is up: " + ", ".join(interfaces))
            raise SourceError(reasons[0])

    def scout(self) -> None:
        """Do nothing: that is quick here."""

    def refresh(self) -> None:
        """Open sniffers on interfaces that came up, close those of interfaces that went."""
        if self._paused:
            return
        up = self._up()
        for name in self._sniffers.keys() - up:
            self._close(name)
        known = self._refused.keys() & up
        self._refused = {name: self._refused[name] for name in known}
        for name in up - self._sniffers.keys():
            try:
                self._sniffers[name] = Sniffer(name)
                self._refused.pop(name, None)
            except SourceError as error:
                self._refused[name] = str(error)
        if self._sniffers:  # else the one error of all of them is raised
            for name in self._refused.keys() - known:
                log.warning("interface not captured", extra={"interface": name, "reason": self._refused[name]})

    def drain(
        self, engine: Engine, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        """Have the engine read what was captured, for as long as it may."""
        packets, fullest = 0, 0
        for name, sniffer in list(self._sniffers.items()):
            try:
                count = sniffer.drain(engine, may_go_on)
            except SourceError as error:
                log.info("interface gone", extra={"interface": name, "reason": str(error)})
                self._close(name)
                continue
            packets += count
            fullest = max(fullest, count)
        if self._paused:
            self.close()
        return Drained(packets, fullest / MOST_PACKETS)

    def blocks(self, engine: Engine) -> tuple[Block, ...]:
        """Return nothing: what there is to read is not known before it is read."""
        return ()

    def descriptors(self) -> tuple[int, ...]:
        """Return nothing: what a sniffer waits by is not a descriptor on every system."""
        return ()

    def fullness(self) -> float:
        """Return that nothing waits: nothing tells before it is read."""
        return 0.0

    def skip(self) -> int:
        """What is captured is read at once, or by the next `drain`."""
        return 0

    def pause(self) -> None:
        """Capture nothing from the next `drain` on, which reads what there is."""
        self._paused = True

    def leave(self) -> None:
        """Nothing is left of a sniffer that is closed."""

    def prepare(self) -> None:
        """A sniffer captures as soon as it is opened."""

    def resume(self, sample: Sample) -> None:
        """Capture again."""
        if self._paused:  # and nothing was read since
            self.close()
        self._paused = False
        self.refresh()

    def stats(self) -> CaptureStats:
        """Return the counts; libpcap does not tell scapy what it dropped."""
        packets = self._gone_packets + sum(sniffer.packets for sniffer in self._sniffers.values())
        return CaptureStats(packets, 0, len(self._sniffers), len(self._refused), METHOD)

    def close(self) -> None:
        """Close every sniffer."""
        for name in list(self._sniffers):
            self._close(name)

    def _up(self) -> set[str]:
        """Return the interfaces that are up, by the names that scapy opens them by.

        Raises:
            SourceError: scapy is not installed.
        """
        try:
            import_module("scapy.all")
            working = import_module("scapy.interfaces").get_working_ifaces()
        except ImportError as error:
            raise SourceError("packet capture needs scapy where there is no AF_PACKET: pip install scapy") from error
        up = {one.network_name for one in working if not self._names or {one.name, one.network_name} & {*self._names}}
        return set(sorted(up)[:MOST_INTERFACES])

    def _close(self, name: str) -> None:
        sniffer = self._sniffers.pop(name)
        self._gone_packets += sniffer.packets
        sniffer.close()
