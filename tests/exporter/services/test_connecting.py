from exporter.model import Role
from exporter.net.stream import Failure
from exporter.services.connecting import MAX_WAITING, Connecting
from exporter.services.connects import Connects, PlaceKey, Tally, WayKey
from exporter.services.places import Places
from exporter.services.traffic import EXTERNAL, UNKNOWN
from exporter.services.view import Ends, HostView, Listener
from tests.exporter.services.exchanges import endpoint, flow

CLIENT, SERVER = "127.0.0.1:40000", "127.0.0.1:8000"
LISTENING = {Listener("tcp", "*", 8000): "shop"}
CONNECTED = {Ends(endpoint(CLIENT), endpoint(SERVER)): "worker"}
WORKER, SHOP, WAY = PlaceKey("worker", Role.CLIENT), PlaceKey("shop", Role.SERVER), WayKey("worker", "shop")


class Setup:
    """The watcher over real counters; `weight` is what an event stands for."""

    def __init__(self, most_ways: int = 10) -> None:
        self.weight = 1.0
        self.places = Places(60.0)
        self.connects = Connects(lambda name: name, most_ways)
        self.connecting = Connecting(self.connects, self.places, lambda _at: self.weight)

    def look(self, now: float, listeners: dict[Listener, str], connections: dict[Ends, str]) -> None:
        self.places.update(HostView(listeners=listeners, connections=connections), now)
        self.connecting.update(now)

    def place(self, key: PlaceKey) -> Tally:
        return self.connects.snapshot().places.get(key, Tally())

    def way(self, key: WayKey) -> Tally:
        return self.connects.snapshot().ways.get(key, Tally())


def test_a_connection_counts_for_both_ends_and_their_edge() -> None:
    setup = Setup()
    setup.look(1.0, LISTENING, CONNECTED)
    setup.connecting.connected(flow(), 3_000_000, 0)
    setup.connecting.connected(flow(), 0, 0)
    setup.connecting.retransmitted(flow(), 1, 0)
    for tally in (setup.place(WORKER), setup.place(SHOP), setup.way(WAY)):
        assert (tally.connects, tally.handshakes, tally.handshake_sum) == (2, 1, 3_000_000)
        assert tally.retransmits == [0, 1]


def test_what_came_before_the_sockets_were_looked_at_is_credited_later() -> None:
    setup = Setup()
    setup.connecting.connected(flow(), 0, 0)
    setup.connecting.retransmitted(flow(), 0, 0)
    assert setup.connects.snapshot().ways == {}
    setup.look(1.0, LISTENING, CONNECTED)
    assert setup.way(WAY).connects == 1
    assert setup.way(WAY).retransmits == [1, 0]


def test_failures_to_reach_a_server_that_died_name_it_for_as_long_as_they_last() -> None:
    setup = Setup()
    setup.look(1.0, LISTENING, CONNECTED)
    setup.look(2.0, {}, {})  # it died, and its connections with it
    now = 2.0
    for number in range(10):
        setup.connecting.failed(flow(f"127.0.0.1:{41000 + number}"), Failure.REFUSED, 0)
        for _ in range(10):
            now += 3.0
            setup.look(now, {}, {})
    assert setup.way(WAY).refused == 10
    assert setup.place(WORKER).refused == 10
    assert setup.place(SHOP).refused == 10


def test_an_attempt_that_waits_has_a_socket_that_names_the_client() -> None:
    setup = Setup()
    far = "203.0.113.9:443"
    setup.look(1.0, {}, {Ends(endpoint(CLIENT), endpoint(far)): "worker"})
    setup.connecting.failed(flow(CLIENT, far), Failure.UNANSWERED, 0)
    assert setup.way(WayKey("worker", EXTERNAL)).unanswered == 1
    assert setup.place(WORKER).unanswered == 1


def test_an_end_here_that_stays_unknown_is_counted_as_such() -> None:
    setup = Setup()
    setup.connecting.failed(flow(), Failure.REFUSED, 0)
    setup.look(4.9, {}, {})
    assert setup.connects.snapshot().ways == {}
    setup.look(5.0, {}, {})
    assert setup.way(WayKey(UNKNOWN, UNKNOWN)).refused == 1
    assert setup.place(PlaceKey(UNKNOWN, Role.CLIENT)).refused == 1


def test_what_only_passes_through_this_host_is_nobodys() -> None:
    setup = Setup()
    setup.connecting.connected(flow("203.0.113.1:1000", "203.0.113.2:80"), 5, 0)
    setup.look(5.0, {}, {})
    snapshot = setup.connects.snapshot()
    assert (snapshot.places, snapshot.ways) == ({}, {})


def test_a_sampled_event_stands_for_many() -> None:
    setup = Setup()
    setup.look(1.0, LISTENING, CONNECTED)
    setup.weight = 8.0
    setup.connecting.connected(flow(), 2_000, 0)
    assert setup.way(WAY).connects == 8
    assert setup.way(WAY).handshake_sum / setup.way(WAY).handshakes == 2_000


def test_a_scan_of_ports_is_held_to_a_bound() -> None:
    setup = Setup(most_ways=1)
    for port in range(MAX_WAITING + 100):
        setup.connecting.failed(flow("203.0.113.1:1000", f"127.0.0.1:{port}"), Failure.REFUSED, 0)
    assert setup.way(WayKey(EXTERNAL, UNKNOWN)).refused == 100  # the oldest did not wait
    setup.look(5.0, {}, {})
    assert setup.way(WayKey(EXTERNAL, UNKNOWN)).refused == MAX_WAITING + 100


def test_edges_beyond_the_cap_are_folded_and_counted() -> None:
    setup = Setup(most_ways=1)
    setup.look(1.0, LISTENING, CONNECTED)
    setup.connecting.connected(flow(), 0, 0)
    setup.connecting.connected(flow("203.0.113.1:1000"), 0, 0)
    assert setup.way(WayKey("~other", "~other")).connects == 1
    assert setup.connects.folded == 1


def test_who_is_gone_for_long_is_forgotten() -> None:
    setup = Setup()
    setup.look(1.0, LISTENING, CONNECTED)
    setup.connecting.connected(flow(), 0, 0)
    setup.connects.forget(("worker",))
    snapshot = setup.connects.snapshot()
    assert set(snapshot.places) == {SHOP}
    assert snapshot.ways == {}


def test_a_name_that_turned_out_to_be_none_leaves_its_tallies_to_the_next() -> None:
    setup = Setup()
    setup.look(1.0, LISTENING, CONNECTED)
    setup.connecting.connected(flow(), 3_000_000, 0)

    setup.connects.rename({"shop": "till"})

    assert setup.place(SHOP).connects == 0
    assert setup.place(PlaceKey("till", Role.SERVER)).connects == 1
    assert setup.way(WayKey("worker", "till")).connects == 1
