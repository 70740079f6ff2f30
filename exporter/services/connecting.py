"""Credits what TCP says of connections to the services at their ends, also when those become known only later."""

from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.model import Flow, Nanoseconds
from exporter.net.stream import Failure
from exporter.services.connects import Connects, Tally
from exporter.services.places import Located, Places, Suppositions
from exporter.services.traffic import EXTERNAL, UNKNOWN

MAX_WAITING = 8192  # connections of which an end is not known yet
PATIENCE_SECONDS = 5.0  # sockets are looked at once a second


@dataclass(slots=True)
class Attempt:
    """What TCP did on one connection, until both of its ends are known."""

    flow: Flow
    opened_at: float
    client: str | None = None
    server: str | None = None
    tally: Tally = field(default_factory=Tally)

    def find(self, places: Located) -> bool:
        """Look for both ends and return whether they are known, one of them on this host."""
        self.client = places.client(self.flow) or self.client
        self.server = places.server(self.flow) or self.server
        return self.client is not None and self.server is not None and not self.passes

    @property
    def passes(self) -> bool:
        """Whether neither end is on this host, as far as is known."""
        return self.client == self.server == EXTERNAL


class Connecting:
    """Implements `net.stream.Watcher`.

    An attempt that failed leaves no socket to look at. Its server is who listened there recently, its client who held
    the socket while it waited, else the only service that usually asks that server; and as long as attempts fail, both
    are remembered. An end on this host that stays unknown is counted as `~unknown`.

    Args:
        places: kept up to date by others.
        weight: returns for how many events like it one stands whose packet was captured at a moment.
    """

    def __init__(self, connects: Connects, places: Places, weight: Callable[[Nanoseconds], float]) -> None:
        self._connects = connects
        self._places = places
        self._suppositions = Suppositions(places)
        self._weight = weight
        self._now = 0.0
        self._waiting: dict[Flow, Attempt] = {}

    def connected(self, flow: Flow, handshake: Nanoseconds, at: Nanoseconds) -> None:
        """Count a connection that came into use."""
        attempt = self._attempt(flow)
        attempt.tally.connect(handshake, self._weight(at))
        self._settle(attempt)

    def failed(self, flow: Flow, failure: Failure, at: Nanoseconds) -> None:
        """Count one that did not come about."""
        attempt = self._attempt(flow)
        if failure is Failure.REFUSED:
            attempt.tally.refused += self._weight(at)
        else:
            attempt.tally.unanswered += self._weight(at)
        self._settle(attempt)

    def retransmitted(self, flow: Flow, direction: int, at: Nanoseconds) -> None:
        """Count a segment that was sent again."""
        attempt = self._attempt(flow)
        attempt.tally.retransmits[direction] += self._weight(at)
        self._settle(attempt)

    def update(self, now: float) -> None:
        """Look again for the ends that were not known; `now` in seconds, never falling."""
        self._now = now
        for attempt in list(self._waiting.values()):
            if attempt.find(self._places):
                self._credit(attempt)
            elif now - attempt.opened_at >= PATIENCE_SECONDS:
                self._give_up(attempt)

    def _attempt(self, flow: Flow) -> Attempt:
        return self._waiting.get(flow) or Attempt(flow, self._now)

    def _settle(self, attempt: Attempt) -> None:
        if attempt.find(self._places):
            self._credit(attempt)
            return
        self._waiting[attempt.flow] = attempt
        if len(self._waiting) > MAX_WAITING:
            self._give_up(next(iter(self._waiting.values())))

    def _give_up(self, attempt: Attempt) -> None:
        if not attempt.find(self._suppositions) and attempt.passes:
            del self._waiting[attempt.flow]
            return
        if attempt.client is not None and attempt.tally.refused + attempt.tally.unanswered:
            self._places.remember(attempt.flow, attempt.client, self._now)
        self._credit(attempt)

    def _credit(self, attempt: Attempt) -> None:
        self._waiting.pop(attempt.flow, None)
        self._connects.credit(attempt.client or UNKNOWN, attempt.server or UNKNOWN, attempt.tally)
