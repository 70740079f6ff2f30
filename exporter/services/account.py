"""The counts of one connection.

Compiled with the types of `account.pxd`.
"""

from collections.abc import Callable

from exporter.model import Exchange, Flow, Nanoseconds, Role
from exporter.protocols.lane import Counting, Turn
from exporter.services.counters import WHOLE, Side, Target
from exporter.services.histogram import bucket
from exporter.services.places import Located
from exporter.services.sampling import Sampling
from exporter.services.traffic import EXTERNAL, Traffic


class Account(Counting):
    """Held until both ends of the connection are known, then in its services' own counters.

    Implements `protocols.recorder.Recorder`.

    Args:
        held: where exchanges are added up before the ends are known.
        sampling: for how much each of them stands.
        on_close: told once the connection ended.
    """

    __slots__ = (
        "_asked",
        "_on_close",
        "_sampling",
        "client",
        "closed",
        "flow",
        "held",
        "opened_at",
        "protocol",
        "server",
        "targets",
    )

    def __init__(
        self,
        flow: Flow,
        protocol: str,
        opened_at: float,
        held: Side,
        sampling: Sampling,
        on_close: Callable[["Account"], None],
    ) -> None:
        self.flow = flow
        self.protocol = protocol
        self.opened_at = opened_at
        self.held: Side | None = held
        self.client: str | None = None
        self.server: str | None = None
        self.closed = False
        self.targets: tuple[Target, ...] = ()
        self._asked = False  # a request was seen: the capture is not one-sided
        self._sampling = sampling
        self._on_close = on_close

    def record(self, exchange: Exchange) -> None:
        """Count one exchange where it belongs at this moment."""
        if exchange.request is not None:
            self._asked = True
        share = self._sampling.share(exchange, self._asked) if self._sampling.samples else WHOLE
        if self.held is not None:
            self.held.add(exchange, share)
            return
        for target in self.targets:
            target.add(exchange, share)

    def count(self, turn: Turn) -> None:
        """Count what was asked and answered without doubt."""
        self._asked = True
        share = self._sampling.turned(turn.asked_at, turn.answered_at) if self._sampling.samples else WHOLE
        place = bucket(turn.answered_at - turn.asked_at)
        if self.held is not None:
            self.held.turn(turn, share, place)
            return
        for target in self.targets:
            if isinstance(target, Side):
                side = target  # of its own type where this is compiled
                side.turn(turn, share, place)
            else:
                edge = target
                edge.turn(turn, share, place)

    def close(self, _at: Nanoseconds) -> None:
        """The connection ended."""
        self.closed = True
        self._on_close(self)

    def find(self, places: Located) -> None:
        """Look for both ends; what was found once stays when its socket has gone."""
        self.client = places.client(self.flow) or self.client
        self.server = places.server(self.flow) or self.server

    @property
    def found(self) -> bool:
        """Whether both ends are known, and one of them is on this host."""
        return self.client is not None and self.server is not None and (self.client, self.server) != (EXTERNAL,) * 2

    def settle(self, traffic: Traffic) -> None:
        """Credit what is held to the ends that are known, and all that follows."""
        self.targets = tuple(self._find_targets(traffic))
        if self.held is not None:
            for target in self.targets:
                target.merge(self.held)
            self.held.operations.free()
        self.held = None

    def _find_targets(self, traffic: Traffic) -> list[Target]:
        targets: list[Target] = []
        if self.server not in (None, EXTERNAL):
            targets.append(traffic.side(str(self.server), Role.SERVER, self.protocol))
        if self.client not in (None, EXTERNAL):
            targets.append(traffic.side(str(self.client), Role.CLIENT, self.protocol))
        if self.client is not None and self.server is not None and targets:
            targets.append(traffic.edge(self.client, self.server, self.protocol))
        return targets
