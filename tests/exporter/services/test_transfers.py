"""Bytes of sockets that come, go, change hands and end unseen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Role
from exporter.services.parties import COUNTED_THERE, Party
from exporter.services.tcpsocket import TcpSocket
from exporter.services.traffic import UNKNOWN
from exporter.services.transfers import PATIENCE_SECONDS, RETENTION_SECONDS, Ledger, TcpLook, Totals, Transfers

SHOP = Party("shop", Role.CLIENT, "redis", "6379")
CARD = Party("card", Role.CLIENT, "redis", "6379")
NOBODY = Party(UNKNOWN, Role.CLIENT, UNKNOWN, "~other")


@dataclass(slots=True)
class Known:
    """A finder that knows what a test tells it."""

    parties: dict[int, Party] = field(default_factory=dict)
    closed: Party = NOBODY

    def of(self, socket: TcpSocket) -> Party | None:
        return self.parties.get(socket.cookie)

    def of_closed(self, _socket: TcpSocket) -> Party:
        return self.closed


class Kernel:
    """Tells of the sockets that a test sets, as a table of them does."""

    def __init__(self) -> None:
        self._sockets: dict[int, TcpSocket] = {}

    def look(self, received: Mapping[int, int]) -> TcpLook:
        gone = [self._sockets.pop(cookie) for cookie in self._sockets.keys() - received.keys()]
        fresh = [TcpSocket(cookie) for cookie in received if cookie not in self._sockets]
        self._sockets.update({one.cookie: one for one in fresh})
        for cookie, count in received.items():
            self._sockets[cookie].received, self._sockets[cookie].state = count, 1
        return TcpLook(self._sockets, fresh, gone)


def notices(received: Mapping[int, int]) -> list[TcpSocket]:
    made = []
    for cookie, count in received.items():
        one = TcpSocket(cookie)
        one.received, one.state = count, 7
        made.append(one)
    return made


@dataclass
class Followed:
    """Transfers and the kernel that tells of their sockets."""

    ledger: Ledger = field(default_factory=Ledger)
    is_new: bool = False
    kernel: Kernel = field(default_factory=Kernel)

    def __post_init__(self) -> None:
        self.transfers = Transfers(self.ledger, self.is_new)

    def update(self, received: Mapping[int, int], finder: Known, changed: Iterable[int], now: float) -> None:
        self.transfers.update(self.kernel.look(received), finder, changed, now)
        self.ledger.forget(now)

    def close(self, received: Mapping[int, int], finder: Known) -> None:
        self.transfers.close(notices(received), finder)

    def totals(self) -> Mapping[Party, Totals]:
        return self.ledger.totals([self.transfers])


def received(transfers: Followed) -> dict[Party, int]:
    return {party: totals.received for party, totals in transfers.totals().items()}


@pytest.fixture
def transfers() -> Followed:
    """Follows no sockets yet; what comes now is new."""
    transfers = Followed()
    transfers.update({}, Known(), (), 0.0)
    return transfers


def test_what_was_there_before_the_first_reading_counts_from_then_on() -> None:
    transfers, finder = Followed(), Known({1: SHOP})
    transfers.update({1: 1000}, finder, (), 0.0)
    transfers.update({1: 1200}, finder, (), 1.0)

    assert received(transfers) == {SHOP: 200}


def test_what_is_there_first_in_a_new_namespace_counts() -> None:
    transfers = Followed(is_new=True)
    transfers.update({1: 1000}, Known({1: SHOP}), (), 0.0)

    assert received(transfers) == {SHOP: 1000}


def test_a_new_socket_counts_from_its_birth_once_its_owner_is_known(transfers: Followed) -> None:
    finder = Known()
    transfers.update({1: 100}, finder, (), 1.0)
    assert received(transfers) == {}
    finder.parties[1] = SHOP
    transfers.update({1: 300}, finder, (), 2.0)

    assert received(transfers) == {SHOP: 300}


def test_an_owner_that_is_not_found_is_supposed_after_a_while(transfers: Followed) -> None:
    finder = Known()
    transfers.update({1: 100}, finder, (), 1.0)
    transfers.update({1: 300}, finder, (), 1.0 + PATIENCE_SECONDS)

    assert received(transfers) == {NOBODY: 300}


def test_a_socket_that_changes_hands_is_counted_for_each_in_turn(transfers: Followed) -> None:
    finder = Known({1: SHOP})
    transfers.update({1: 100}, finder, (), 1.0)
    finder.parties[1] = CARD
    transfers.update({1: 300}, finder, (1,), 2.0)

    assert received(transfers) == {SHOP: 100, CARD: 200}


def test_the_last_bytes_come_with_the_notice_of_the_end(transfers: Followed) -> None:
    finder = Known({1: SHOP, 2: SHOP})
    transfers.update({1: 100, 2: 10}, finder, (), 1.0)
    transfers.close({1: 150}, finder)
    transfers.update({}, finder, (), 2.0)
    transfers.close({2: 30}, finder)

    assert received(transfers) == {SHOP: 180}


def test_a_notice_that_comes_twice_counts_once(transfers: Followed) -> None:
    finder = Known({1: SHOP})
    transfers.update({1: 100}, finder, (), 1.0)
    transfers.close({1: 150}, finder)
    transfers.close({1: 150}, finder)
    transfers.update({}, finder, (), 2.0)
    transfers.close({1: 150}, finder)

    assert received(transfers)[SHOP] == 150


def test_a_socket_that_no_reading_showed_counts_for_whom_it_is_supposed_to_be(transfers: Followed) -> None:
    transfers.close({1: 150, 2: 50}, Known(closed=SHOP))

    assert received(transfers) == {SHOP: 200}


def test_a_socket_of_before_that_ends_without_an_owner_counts_from_the_first_reading_on() -> None:
    transfers, finder = Followed(), Known(closed=NOBODY)
    transfers.update({1: 1000}, finder, (), 0.0)
    transfers.close({1: 1100}, finder)

    assert received(transfers) == {NOBODY: 100}


def test_bytes_that_seem_fewer_than_before_take_nothing_away(transfers: Followed) -> None:
    finder = Known({1: SHOP})
    transfers.update({1: 100}, finder, (), 1.0)
    transfers.update({1: 99}, finder, (), 2.0)
    transfers.update({1: 101}, finder, (), 3.0)

    assert received(transfers) == {SHOP: 101}


def test_what_a_service_transferred_does_not_fall_when_a_peer_is_forgotten(transfers: Followed) -> None:
    other = replace(SHOP, peer="postgres", server_port="5432")
    finder = Known({1: SHOP, 2: other})
    transfers.update({1: 100, 2: 50}, finder, (), 1.0)
    transfers.update({2: 60}, finder, (), 2.0 + RETENTION_SECONDS)

    assert received(transfers) == {replace(SHOP, peer=COUNTED_THERE, server_port=""): 100, other: 60}
    transfers.update({2: 60}, finder, (), 3.0 + 2 * RETENTION_SECONDS)
    assert sum(received(transfers).values()) == 160, "as long as the service is there"
    transfers.update({}, finder, (), 4.0 + 3 * RETENTION_SECONDS)
    transfers.update({}, finder, (), 5.0 + 4 * RETENTION_SECONDS)
    transfers.update({}, finder, (), 6.0 + 5 * RETENTION_SECONDS)
    assert received(transfers) == {}


def test_too_many_peers_are_folded_and_told() -> None:
    transfers = Followed(Ledger(max_parties=2))
    transfers.update({}, Known(), (), 0.0)
    parties = {number: replace(SHOP, server_port=str(number)) for number in range(1, 6)}
    transfers.update(dict.fromkeys(parties, 10), Known(parties), (), 1.0)

    assert sum(received(transfers).values()) == 50
    assert len(received(transfers)) == 3
    assert transfers.ledger.folded == 3


READING = st.dictionaries(st.integers(1, 6), st.integers(0, 1000), max_size=6)


@given(st.lists(st.tuples(READING, READING, st.sets(st.integers(1, 6))), max_size=12))
def test_counters_never_fall_whatever_is_read(history: list[tuple[dict[int, int], dict[int, int], set[int]]]) -> None:
    transfers = Followed(Ledger(max_parties=3))
    before: dict[Party, int] = {}
    for number, (living, ended, owned) in enumerate(history):
        finder = Known({cookie: (SHOP, CARD)[cookie % 2] for cookie in owned})
        transfers.update(living, finder, owned, float(number))
        transfers.close(ended, finder)
        after = received(transfers)
        assert all(after.get(party, 0) >= count for party, count in before.items())
        before = after


def test_states_and_round_trips_are_of_the_sockets_that_are_there(transfers: Followed) -> None:
    finder = Known({1: SHOP, 2: SHOP, 3: SHOP, 4: CARD})
    look = transfers.kernel.look({1: 0, 2: 0, 3: 0, 4: 0})
    for cookie, state, rtt_us in ((1, 1, 10), (2, 1, 30), (3, 8, 99), (4, 1, 7)):
        look.sockets[cookie].state, look.sockets[cookie].rtt_us = state, rtt_us
    transfers.transfers.update(look, finder, (), 1.0)

    found = transfers.totals()
    assert found[SHOP].states == {1: 2, 8: 1}
    assert found[SHOP].rtts_us == [10, 30]
    assert found[CARD].rtts_us == [7]
