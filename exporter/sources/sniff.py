"""Captures by scapy where there is no AF_PACKET: macOS, the BSDs, Windows. Far slower than a ring; nothing else can.

scapy is imported only when a sniffer is opened: it takes a third of a second and 30 MB.
"""

from importlib import import_module
from typing import Any

from exporter.net.engine import Engine
from exporter.sources.errors import SourceError

MOST_PACKETS = 5000  # of one drain: a busy interface must not keep the loop from its other work
LONGEST_FRAME = 0xFFFF
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
            self._socket: Any = config.L2listen(iface=interface)
        except Exception as error:  # scapy and libpcap raise what they like, up to bare Exception
            raise SourceError(f"scapy cannot capture on {interface}: {error}") from error
        kind = getattr(self._socket, "LL", None) or config.default_l2
        if kind.__name__ not in LINKS:
            self._socket.close()
            raise SourceError(f"frames of {interface} begin with {kind.__name__}, which is not known")
        self._link = LINKS[kind.__name__]

    def drain(self, engine: Engine) -> int:
        """Have the engine read what has arrived; return the number of packets.

        Raises:
            SourceError: the interface is gone.
        """
        count = 0
        while count < MOST_PACKETS and self._ready():
            try:
                _kind, data, seconds = self._socket.recv_raw(LONGEST_FRAME)
            except OSError as error:
                raise SourceError(f"the capture ended: {error.strerror}") from error
            if data is None:
                break
            engine.frame(bytes(data), self._link, len(data), int((seconds or 0) * 1e9))
            count += 1
        self.packets += count
        return count

    def close(self) -> None:
        """Stop capturing."""
        self._socket.close()

    def _ready(self) -> bool:
        return bool(self._socket.select([self._socket], 0))
