"""Credits the exchanges of connections to the services at their ends, also when those become known only later."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from exporter.model import Exchange, Flow, Nanoseconds, Role
from exporter.services.counters import Side, Target
from exporter.services.places import Places
from exporter.services.traffic import EXTERNAL, Traffic
from exporter.services.view import HostView

# How many of the settled connections are looked at again at each update: a service may get its final name, or pass
# its socket on, after its connections were first attributed.
REVIEWED = 500


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an end may stay unknown.

    Attributes:
        seconds: after this a connection is counted as unattributed, and what is known of it is credited.
        connections: how many connections may wait at once; beyond it the oldest are given up early.
        listener_memory_seconds: how long a listener that is gone still names the server of its connections.
    """

    seconds: float = 5.0
    connections: int = 8192
    listener_memory_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class AttributionCounters:
    """The counts of connections.

    Attributes:
        unattributed: an end on this host could not be found in time; the other end's service was still credited.
        waiting: an end is not known yet.
        unparsable: protocol -> connections whose bytes turned out not to be what they were recognised as.
    """

    unattributed: int
    waiting: int
    unparsable: Mapping[str, int]


class Account:
    """The counts of one connection: held until both ends are known, then in its services' own counters."""

    __slots__ = ("client", "closed", "flow", "held", "opened_at", "protocol", "server", "targets")

    def __init__(self, flow: Flow, protocol: str, opened_at: float, held: Side) -> None:
        self.flow = flow
        self.protocol = protocol
        self.opened_at = opened_at
        self.held: Side | None = held
        self.client: str | None = None
        self.server: str | None = None
        self.closed = False
        self.targets: tuple[Target, ...] = ()

    def add(self, exchange: Exchange) -> None:
        """Count one exchange where it belongs at this moment."""
        if self.held is not None:
            self.held.add(exchange)
            return
        for target in self.targets:
            target.add(exchange)

    def find(self, places: Places) -> None:
        """Look for both ends; what was found once stays when its socket has gone."""
        self.client = places.client(self.flow) or self.client
        self.server = places.server(self.flow) or self.server

    @property
    def found(self) -> bool:
        """Whether both ends are known, and one of them is on this host."""
        return self.client is not None and self.server is not None and (self.client, self.server) != (EXTERNAL,) * 2

    def settle(self, traffic: Traffic) -> None:
        """Credit what is held to the ends that are known, and all that follows."""
        self.targets = tuple(self._targets(traffic))
        if self.held is not None and self.held.requests:
            for target in self.targets:
                target.merge(self.held)
        self.held = None

    def _targets(self, traffic: Traffic) -> list[Target]:
        targets: list[Target] = []
        if self.server not in (None, EXTERNAL):
            targets.append(traffic.side(str(self.server), Role.SERVER, self.protocol))
        if self.client not in (None, EXTERNAL):
            targets.append(traffic.side(str(self.client), Role.CLIENT, self.protocol))
        if self.client is not None and self.server is not None and targets:
            targets.append(traffic.edge(self.client, self.server, self.protocol))
        return targets


@dataclass(frozen=True, slots=True)
class AccountRecorder:
    """Takes the exchanges of one connection for its account."""

    account: Account
    close_account: Callable[[Account], None]

    def record(self, exchange: Exchange) -> None:
        """Count one exchange."""
        self.account.add(exchange)

    def close(self, _at: Nanoseconds) -> None:
        """The connection ended."""
        self.close_account(self.account)


class Attribution:
    """The observer of all connections (`protocols.recorder.Observer`).

    A connection's server is who listens on its server's endpoint, its client who holds the client's socket. Sockets are
    looked at about once a second, so exchanges may come first: they are held, added up, until both ends are known. A
    connection of which an end stays unknown is counted as unattributed once, and the known end is credited alone.
    """

    def __init__(self, traffic: Traffic, patience: Patience) -> None:
        self._traffic = traffic
        self._patience = patience
        self._places = Places(patience.listener_memory_seconds)
        self._now = 0.0
        # Dictionaries for their order and their cheap removal.
        self._waiting: dict[Account, None] = {}
        self._settled: dict[Account, None] = {}
        self._unattributed = 0
        self._unparsable: Counter[str] = Counter()

    def recognised(self, flow: Flow, protocol: str) -> AccountRecorder:
        """Open the account of a connection."""
        account = Account(flow, protocol, self._now, self._traffic.held(protocol))
        account.find(self._places)
        if account.found:
            self._settle(account)
        else:
            self._waiting[account] = None
            if len(self._waiting) > self._patience.connections:
                self._give_up(next(iter(self._waiting)))
        return AccountRecorder(account, self._close)

    def unparsable(self, _flow: Flow, protocol: str) -> None:
        """Count a connection whose bytes turned out not to be what they were recognised as."""
        self._unparsable[protocol] += 1

    def update(self, view: HostView, now: float) -> None:
        """Take the newest look at the sockets and attribute what waits for it; `now` in seconds, never falling."""
        self._now = now
        self._places.update(view, now)
        for account in list(self._waiting):
            account.find(self._places)
            if account.found:
                del self._waiting[account]
                self._settle(account)
            elif now - account.opened_at >= self._patience.seconds:
                self._give_up(account)
        self._review()

    def _settle(self, account: Account) -> None:
        account.settle(self._traffic)
        if not account.closed:
            self._settled[account] = None

    def _give_up(self, account: Account) -> None:
        del self._waiting[account]
        self._unattributed += 1
        self._settle(account)

    def _review(self) -> None:
        for account in list(islice(self._settled, REVIEWED)):
            del self._settled[account]
            account.find(self._places)
            self._settle(account)

    def _close(self, account: Account) -> None:
        account.closed = True
        self._settled.pop(account, None)

    def counters(self) -> AttributionCounters:
        """Return the counts of connections so far."""
        return AttributionCounters(self._unattributed, len(self._waiting), dict(self._unparsable))
