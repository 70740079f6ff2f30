"""What receives the ordered bytes of connections; the packet path knows nothing else of the layers above."""

from collections.abc import Callable
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


TURN_WORDS = 4
MAX_TOKEN = (1 << 61) - 1


# What `Stream.data` answers for a direction of which it needs to hear of each segment, but none of its bytes.
BLINDLY = -2 - (MAX_TOKEN << 1 | 1)


def turns(token: int, swapped: bool = False) -> int:
    """Return what `Stream.data` answers to have the rest of the connection paired by turns, without its help.

    A turn is a burst of the client and the burst of the server after it. No further byte is delivered; turns go to the
    engine's `TurnSink`, and `Stream.end` comes as ever. What is in hand begins the turn if it is the client's.

    Args:
        token: what the sink knows the connection by, from 0 to `MAX_TOKEN`.
        swapped: whether the flow's server is the client.
    """
    return -1 - (token << 1 | swapped)


TurnSink = Callable[[memoryview], None]
"""Takes turns, each `TURN_WORDS` unsigned 64-bit words; the view is only valid during the call.

They are: the token; the time of the request's first byte; that of the response's last byte, 0 where bytes were lost
and nothing is timed; request bytes in the lower half and response bytes in the upper, each at most 2^32 - 1.
"""


class Stream(Protocol):
    """One connection's consumer. Directions are 0 (from `flow.client`) and 1 (from `flow.server`).

    What raises is dropped, with its connection, and counted: nothing that a consumer does stops the others.
    """

    def data(self, direction: int, payload: bytes, at: Nanoseconds) -> int:
        """Take the next bytes in order; return how many further bytes of this direction need not be delivered.

        Bytes left out on such a request are reported by one later `gap` of their number, at the time of the last one.
        At most 1 << 62, which is for ever. What `turns` returns ends the delivery for both directions. `BLINDLY` says
        that further segments may come without their bytes, as gaps, and that nothing is left out.
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


class Failure(Enum):
    """Why no connection came about."""

    REFUSED = "refused"  # RST in answer to the SYN
    UNANSWERED = "unanswered"  # nothing came back


class Watcher(Protocol):
    """Told what TCP itself says of connections, whatever they carry.

    As a `Stream`, it may raise without stopping anything else.
    """

    def connected(self, flow: Flow, handshake: Nanoseconds, at: Nanoseconds) -> None:
        """A connection whose beginning was captured has come into use: its first payload, or its end without any.

        Args:
            handshake: from SYN to SYN-ACK as captured here: a round trip beside the client, next to nothing beside the
                server; 0 where one of the two was not seen.
        """
        ...

    def failed(self, flow: Flow, failure: Failure, at: Nanoseconds) -> None:
        """The client's attempt to connect came to nothing; `at` is when the last packet of it was captured."""
        ...

    def retransmitted(self, flow: Flow, direction: int, at: Nanoseconds) -> None:
        """The sender of a direction repeated what had been captured before."""
        ...
