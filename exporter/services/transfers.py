"""What TCP sockets transfer, per service, role and edge: counters that never fall, though sockets come and go.

Compiled with the types of `transfers.pxd`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from exporter.services.operations import OTHER
from exporter.services.parties import COUNTED_THERE, Party
from exporter.services.tally import Tally
from exporter.services.tcpsocket import TcpSocket

PATIENCE_SECONDS = 5.0  # owners are looked for once a second
RETENTION_SECONDS = 3600.0
ESTABLISHED, LISTEN = 1, 10


class Finder(Protocol):
    """Tells whose sockets are."""

    def of(self, socket: TcpSocket) -> Party | None:
        """Return the party of a socket that is there, None as long as it is not known."""
        ...

    def of_closed(self, socket: TcpSocket) -> Party:
        """Return the most likely party of a socket that is gone, or whose owner is not found."""
        ...


@dataclass(frozen=True, slots=True)
class TcpLook:
    """A reading of all TCP connections.

    Attributes:
        sockets: by cookie.
        fresh: those that the reading before had not.
        gone: those that only the reading before had.
    """

    sockets: Mapping[int, TcpSocket] = field(default_factory=dict)
    fresh: Iterable[TcpSocket] = ()
    gone: Iterable[TcpSocket] = ()


@dataclass(slots=True)
class Totals:
    """What was counted for one party, and its sockets at the last reading.

    Attributes:
        received, sent, resent: bytes of payload; `sent` counts what was sent again once.
        states: state -> sockets.
        rtts_us, delivery_rates: of those that are established and have one.
    """

    received: int
    sent: int
    resent: int
    states: Counter[int] = field(default_factory=Counter)
    rtts_us: list[int] = field(default_factory=list)
    delivery_rates: list[int] = field(default_factory=list)


class Shown:
    """The sockets of one tally, while they are gone through.

    Attributes:
        established: how many are.
        others: the states of the others.
        rtts_us, delivery_rates: as for `Totals`.
    """

    __slots__ = ("delivery_rates", "established", "others", "rtts_us")

    def __init__(self) -> None:
        self.established = 0
        self.others: list[int] = []
        self.rtts_us: list[int] = []
        self.delivery_rates: list[int] = []

    def told(self) -> tuple[Counter[int], list[int], list[int]]:
        """Return the sockets by state, the round-trip times and the delivery rates."""
        states = Counter(self.others)
        if self.established:
            states[ESTABLISHED] = self.established
        return states, self.rtts_us, self.delivery_rates


class Ledger:
    """What was counted for every party, of all namespaces.

    Args:
        max_parties: what is told apart; beyond it peers and ports are `~other`.

    Attributes:
        folded: how many parties were folded into `~other`.
    """

    def __init__(self, max_parties: int = 1500) -> None:
        self._max_parties = max_parties
        self._tallies: dict[Party, Tally] = {}
        self.folded = 0

    def tally(self, party: Party, now: float) -> Tally:
        """Return where a party's bytes are counted."""
        if party not in self._tallies and len(self._tallies) >= self._max_parties:
            self.folded += 1
            party = replace(party, peer=OTHER, server_port=OTHER)
        tally = self._tallies.get(party)
        if tally is None:
            tally = self._tallies[party] = Tally(now)
        return tally

    def forget(self, now: float) -> None:
        """Drop the parties that had no socket and no bytes for long; should one come back, it starts from zero."""
        for party in [party for party, one in self._tallies.items() if now - one.seen_at >= RETENTION_SECONDS]:
            home = replace(party, peer=COUNTED_THERE, server_port="")
            if party != home:
                # What a service transferred in all must not fall because it no longer talks to one of its peers.
                self._tallies.setdefault(home, Tally(now)).add(self._tallies[party])
            elif any(_is_side_of(other, home) for other in self._tallies if other != home):
                continue
            del self._tallies[party]

    def totals(self, followed: "Iterable[Transfers]") -> dict[Party, Totals]:
        """Return what was counted for every party, and the sockets that it has now among those followed."""
        shown = {tally: Shown() for tally in self._tallies.values()}
        for one in followed:
            one.show(shown)
        return {
            party: Totals(tally.received, tally.sent, tally.resent, *shown[tally].told())
            for party, tally in self._tallies.items()
        }


class Transfers:
    """Follows the sockets of one network namespace.

    A socket's bytes are held until its party is known, for a few seconds at most. What its last reading did not show
    comes with the notice of its end; where there is none, that is lost.

    Args:
        ledger: where they are counted.
        is_new: whether the namespace is: then all that its first reading shows counts as well.
    """

    def __init__(self, ledger: Ledger, is_new: bool = False) -> None:
        self._ledger = ledger
        self._sockets: Mapping[int, TcpSocket] = {}
        self._waiting: dict[int, TcpSocket] = {}  # whose party is not known yet
        self._left: dict[int, TcpSocket] = {}  # that the last reading had no more: their notices may be on their way
        self._looked = is_new
        self._now = 0.0

    def update(self, look: TcpLook, finder: Finder, changed: Iterable[int], now: float) -> None:
        """Count what the sockets transferred since their last reading.

        Args:
            look: the sockets; those there at the first reading count from then on, unless the namespace is new.
            changed: cookies of those whose owner is another one now, or became known.
            now: seconds, never falling.
        """
        self._now, self._sockets = now, look.sockets
        for socket in look.fresh:
            if socket.state == LISTEN:
                continue
            socket.first_at = now
            if not self._looked:
                socket.begin_counting()
            self._waiting[socket.cookie] = socket
        self._looked = True
        self._left = {socket.cookie: socket for socket in look.gone if not socket.ended}
        for cookie in self._left:
            self._waiting.pop(cookie, None)
        self._find(finder, changed)
        self._count_all()

    def close(self, notices: Iterable[TcpSocket], finder: Finder) -> None:
        """Count the last that is known of sockets that are gone."""
        for notice in notices:
            socket = self._sockets.get(notice.cookie) or self._left.pop(notice.cookie, None)
            if socket is None:
                socket = notice
            elif socket.ended:
                continue
            else:
                socket.received, socket.sent, socket.resent = notice.received, notice.sent, notice.resent
                self._waiting.pop(socket.cookie, None)
            if socket.tally is None:
                socket.tally = self._ledger.tally(finder.of_closed(notice), self._now)
            socket.count()
            socket.ended = True

    def show(self, shown: dict[Tally, Shown]) -> None:
        """Add the sockets that are there to those of the tallies that they are counted in."""
        for socket in self._sockets.values():
            tally = socket.tally
            if tally is None or socket.ended:
                continue
            mine = shown.get(tally)
            if mine is None:
                continue
            if socket.state != ESTABLISHED:
                mine.others.append(socket.state)
                continue
            mine.established += 1
            if socket.rtt_us:
                mine.rtts_us.append(socket.rtt_us)
            if socket.delivery_rate:
                mine.delivery_rates.append(socket.delivery_rate)

    def _count_all(self) -> None:
        for socket in self._sockets.values():
            if socket.tally is not None:
                socket.count()
                socket.tally.seen_at = self._now

    def _find(self, finder: Finder, changed: Iterable[int]) -> None:
        """Find the parties of sockets that have none, or another one now."""
        wanted = dict(self._waiting)
        wanted.update({cookie: self._sockets[cookie] for cookie in changed if cookie in self._sockets})
        for socket in wanted.values():
            party = finder.of(socket)
            if party is None and socket.tally is None and self._now - socket.first_at >= PATIENCE_SECONDS:
                party = finder.of_closed(socket)
            if party is not None and not socket.ended and socket.state != LISTEN:
                socket.tally = self._ledger.tally(party, self._now)
                self._waiting.pop(socket.cookie, None)


def _is_side_of(party: Party, home: Party) -> bool:
    return (party.service_name, party.role) == (home.service_name, home.role)
