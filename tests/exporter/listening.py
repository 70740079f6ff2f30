"""The packet path of the exporter in a process whose memory another one searches (`test_forgetting.py`).

Reads lines of `TIME_NS FRAME` from standard input, the frame's bytes veiled in hexadecimal digits, so that they are in
this process only as the packet path has them. Says `heard` when all came, and stays until its input ends.
"""

import sys

from exporter.model import Exchange, Flow
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.protocols.recorder import Recorder
from exporter.services.attribution import Attribution, Patience
from exporter.services.endpoints import Endpoints
from exporter.services.families import family_of
from exporter.services.traffic import Caps, Traffic
from exporter.services.view import HostView, Listener
from tests.exporter.net.packets import SERVER

VEIL = bytes(byte ^ 0x5A for byte in range(256))
ENOUGH = "heard"


class Both:
    """Records with the two observers that there are: the exporter's, and that of `larimar replay`."""

    def __init__(self, observers: tuple[Attribution, Endpoints]) -> None:
        self._observers = observers

    def recognised(self, flow: Flow, protocol: str) -> "Recorders":
        """Return a recorder of each."""
        return Recorders(tuple(observer.recognised(flow, protocol) for observer in self._observers))

    def unparsable(self, flow: Flow, protocol: str) -> None:
        """Tell each."""
        for observer in self._observers:
            observer.unparsable(flow, protocol)


class Recorders:
    """Passes on what is recorded."""

    def __init__(self, recorders: tuple[Recorder, ...]) -> None:
        self._recorders = recorders

    def record(self, exchange: Exchange) -> None:
        """Record with each."""
        for recorder in self._recorders:
            recorder.record(exchange)

    def close(self, at: int) -> None:
        """Close each."""
        for recorder in self._recorders:
            recorder.close(at)


def main(kept: bool) -> None:
    """Hear all frames; with `kept`, remember them."""
    attribution = Attribution(Traffic(family_of, Caps(), 900.0), Patience())
    listeners = {Listener("tcp", "*", SERVER[1]): "shop"}
    attribution.update(HostView(listeners=listeners, local_addresses=frozenset({SERVER[0]})), 1.0)
    engine = Engine(Conversations(Both((attribution, Endpoints())), PROTOCOLS), datagrams=True)
    memory = []
    for line in iter(sys.stdin.buffer.readline, b"\n"):
        at, _, veiled = line.partition(b" ")
        frame = bytes.fromhex(veiled.decode()).translate(VEIL)
        engine.frame(frame, 1, len(frame), int(at))
        if kept:
            memory.append(frame)
    counters = engine.counters()
    print(ENOUGH, counters.packets, counters.flows_active, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main("--keep" in sys.argv)
