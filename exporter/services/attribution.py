"""Credits the exchanges of connections to the services at their ends, also when those become known only later."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from exporter.model import Flow
from exporter.services.account import Account
from exporter.services.places import Places, Suppositions
from exporter.services.sampling import Sampling
from exporter.services.traffic import Traffic
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
        inferred: the client was too short-lived to be seen, and taken for the one that usually asks.
        waiting: an end is not known yet.
        unparsable: protocol -> connections whose bytes turned out not to be what they were recognised as.
    """

    unattributed: int
    inferred: int
    waiting: int
    unparsable: Mapping[str, int]


class Attribution:
    """The observer of all connections (`protocols.recorder.Observer`).

    A connection's server is who listens on its server's endpoint, its client who holds the client's socket. Sockets are
    looked at about once a second, so exchanges may come first: they are held, added up, until both ends are known. A
    connection of which an end stays unknown is counted as unattributed once, and the known end is credited alone. The
    client of one that was over before any look is taken for the only service that usually asks that server so.

    Attributes:
        places: who is where, as of the newest look.
    """

    def __init__(self, traffic: Traffic, patience: Patience, sampling: Sampling | None = None) -> None:
        self._traffic = traffic
        self._sampling = sampling if sampling is not None else Sampling()
        self._patience = patience
        self.places = Places(patience.listener_memory_seconds)
        self._suppositions = Suppositions(self.places)
        self._now = 0.0
        self._on_close = self._close  # one for all accounts
        # Dictionaries for their order and their cheap removal.
        self._waiting: dict[Account, None] = {}
        self._settled: dict[Account, None] = {}
        self._unattributed = self._inferred = 0
        self._unparsable: Counter[str] = Counter()

    def recognised(self, flow: Flow, protocol: str) -> Account:
        """Open the account of a connection."""
        held = self._traffic.held(protocol)
        account = Account(flow, protocol, self._now, held, self._sampling, self._on_close)
        account.find(self.places)
        if account.found:
            self._settle(account)
        else:
            self._waiting[account] = None
            if len(self._waiting) > self._patience.connections:
                self._give_up(next(iter(self._waiting)))
        return account

    def unparsable(self, _flow: Flow, protocol: str) -> None:
        """Count a connection whose bytes turned out not to be what they were recognised as."""
        self._unparsable[protocol] += 1

    def update(self, view: HostView, now: float) -> None:
        """Take the newest look at the sockets and attribute what waits for it; `now` in seconds, never falling."""
        self._now = now
        self.places.update(view, now)
        for account in list(self._waiting):
            account.find(self.places)
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
        account.find(self._suppositions)
        if account.found:
            self._inferred += 1
        else:
            self._unattributed += 1
        self._settle(account)

    def _review(self) -> None:
        for account in list(islice(self._settled, REVIEWED)):
            del self._settled[account]
            account.find(self.places)
            self._settle(account)

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Count for their new names what was counted for those that turned out to be none."""
        moved = [old for old, new in renamed.items() if self._traffic.rename(old, new)]
        if moved:
            for account in list(self._settled):
                account.find(self.places)
                account.settle(self._traffic)

    def _close(self, account: Account) -> None:
        account.closed = True
        self._settled.pop(account, None)

    def unsettled(self) -> Collection[Account]:
        """Return the connections of which an end is not known yet."""
        return self._waiting.keys()

    def counters(self) -> AttributionCounters:
        """Return the counts of connections so far."""
        return AttributionCounters(self._unattributed, self._inferred, len(self._waiting), dict(self._unparsable))
