"""What receives the ordered bytes of connections; the packet path knows nothing else of the layers above."""

from enum import Enum
from typing import Protocol

from exporter.model import Flow, Nanoseconds


class End(Enum):
    """Why a connection's bytes ended; the value is a metric's `reason`."""

    CLOSED = "closed"  # FIN from both sides
    RESET = "reset"  # RST
    REPLACED = "replaced"  # a new connection took the same addresses and ports
    IDLE = "idle"  # nothing seen for long
    EVICTED = "evicted"  # the flow table was full
    STOPPED = "stopped"  # the capture ended


class Stream(Protocol):
    """One connection's consumer. Directions are 0 (from `flow.client`) and 1 (from `flow.server`)."""

    def data(self, direction: int, payload: bytes, at: Nanoseconds) -> int:
        """Take the next bytes in order; return how many further bytes of this direction need not be delivered.

        Bytes left out on such a request are reported by one later `gap` of their number, at the time of the last one.
        At most 1 << 62, which is for ever.
        """
        ...

    def gap(self, direction: int, size_bytes: int, at: Nanoseconds) -> int:
        """Account for bytes that were lost, not copied or skipped; the return value is that of `data`."""
        ...

    def end(self, reason: End, at: Nanoseconds) -> None:
        """Take leave: nothing follows."""
        ...


class Opener(Protocol):
    """Makes the consumer of a new connection when its first payload arrives, or None to ignore the connection."""

    def __call__(self, flow: Flow, at: Nanoseconds) -> Stream | None: ...
