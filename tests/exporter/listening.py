"""The packet path of the exporter in a process whose memory another one searches (`test_forgetting.py`).

Reads lines of `TIME_NS FRAME` from standard input, the frame's bytes veiled in hexadecimal digits, so that they are in
this process only as the packet path has them. Says `heard` when all came, and stays until its input ends.
"""

import sys

from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.services.attribution import Attribution, Patience
from exporter.services.endpoints import Endpoints
from exporter.services.families import family_of
from exporter.services.traffic import Caps, Traffic
from exporter.services.view import HostView, Listener
from tests.exporter.net.packets import SERVER

VEIL = bytes(byte ^ 0x5A for byte in range(256))
ENOUGH = "heard"


def main(kept: bool) -> None:
    """Hear all frames; with `kept`, remember them."""
    attribution = Attribution(Traffic(family_of, Caps(), 900.0), Patience())
    listeners = {Listener("tcp", "*", SERVER[1]): "shop"}
    attribution.update(HostView(listeners=listeners, local_addresses=frozenset({SERVER[0]})), 1.0)
    # Both observers that there are: the exporter's, for which much is read in place, and that of `larimar replay`.
    engine, other = (
        Engine(Conversations(observer, PROTOCOLS), datagrams=True) for observer in (attribution, Endpoints())
    )
    memory = []
    for line in iter(sys.stdin.buffer.readline, b"\n"):
        at, _, veiled = line.partition(b" ")
        frame = bytes.fromhex(veiled.decode()).translate(VEIL)
        for hearing in (engine, other):
            hearing.frame(frame, 1, len(frame), int(at))
        if kept:
            memory.append(frame)
    counters = engine.counters()
    print(ENOUGH, counters.packets, counters.flows_active, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main("--keep" in sys.argv)
