from exporter.model import Role
from exporter.services.attribution import Attribution, Patience
from exporter.services.traffic import EXTERNAL, Caps, EdgeKey, SideKey, Traffic
from exporter.services.view import Ends, HostView, Listener
from tests.exporter.services.exchanges import FAMILIES, endpoint, exchange, flow


def look(listeners: dict[Listener, str], connections: dict[Ends, str], addresses: frozenset[str]) -> HostView:
    return HostView(listeners=listeners, connections=connections, local_addresses=addresses)


CLIENT, SERVER = "127.0.0.1:40000", "127.0.0.1:8000"
LISTENING = {Listener("tcp", "*", 8000): "shop"}
CONNECTED = {Ends(endpoint(CLIENT), endpoint(SERVER)): "worker", Ends(endpoint(SERVER), endpoint(CLIENT)): "shop"}
BOTH = look(LISTENING, CONNECTED, frozenset({"127.0.0.1", "192.0.2.1"}))
ONLY_SERVER = look(LISTENING, {}, BOTH.local_addresses)
NOTHING = look({}, {}, BOTH.local_addresses)
SHOP, WORKER = SideKey("shop", Role.SERVER, "http"), SideKey("worker", Role.CLIENT, "http")
EDGE = EdgeKey("worker", "shop", "http")


class Setup:
    """The observer over real counters."""

    def __init__(self, *, connections: int = 8192) -> None:
        self.traffic = Traffic(FAMILIES.__getitem__, Caps(), 900.0)
        self.attribution = Attribution(self.traffic, Patience(5.0, connections, 60.0))

    def requests(self) -> dict[object, float]:
        seen = self.traffic.snapshot()
        sides: dict[object, float] = {key: side.requests for key, side in seen.sides.items()}
        return sides | {key: edge.requests for key, edge in seen.edges.items()}


def test_on_loopback_one_exchange_counts_for_both_ends_and_their_edge() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.recognised(flow(), "http").record(exchange())
    assert setup.requests() == {SHOP: 1, WORKER: 1, EDGE: 1}


def test_exchanges_before_the_sockets_are_known_are_credited_later() -> None:
    setup = Setup()
    recorder = setup.attribution.recognised(flow(), "http")
    for _ in range(3):
        recorder.record(exchange())
    assert setup.requests() == {}
    setup.attribution.update(BOTH, 1.0)
    recorder.record(exchange())
    assert setup.requests() == {SHOP: 4, WORKER: 4, EDGE: 4}


def test_a_connection_that_closed_before_the_sockets_were_looked_at_still_counts() -> None:
    setup = Setup()
    recorder = setup.attribution.recognised(flow(), "http")
    recorder.record(exchange())
    recorder.close(0)
    setup.attribution.update(BOTH, 1.0)
    assert setup.requests() == {SHOP: 1, WORKER: 1, EDGE: 1}
    assert setup.attribution.counters().unattributed == 0


def test_a_socket_that_was_seen_a_moment_ago_names_its_service() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.update(NOTHING, 2.0)
    setup.attribution.recognised(flow(), "http").record(exchange())
    assert setup.requests() == {SHOP: 1, WORKER: 1, EDGE: 1}


def test_a_listener_that_stopped_names_its_connections_for_a_while() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 0.0)
    for second in (10.0, 30.0, 60.0):
        setup.attribution.update(NOTHING, second)
    setup.attribution.recognised(flow("198.51.100.7:5", SERVER), "http").record(exchange())
    assert setup.requests() == {SHOP: 1, EdgeKey(EXTERNAL, "shop", "http"): 1}
    setup.attribution.update(NOTHING, 61.0)
    setup.attribution.recognised(flow("198.51.100.7:6", SERVER), "http").record(exchange())
    assert setup.requests()[SHOP] == 1


def test_an_unknown_end_is_counted_once_and_the_known_end_is_credited() -> None:
    setup = Setup()
    recorder = setup.attribution.recognised(flow(), "http")
    recorder.record(exchange())
    for second in (1.0, 4.9):
        setup.attribution.update(ONLY_SERVER, second)
    assert setup.requests() == {}
    assert setup.attribution.counters().waiting == 1
    setup.attribution.update(ONLY_SERVER, 5.0)
    setup.attribution.update(ONLY_SERVER, 6.0)
    assert setup.requests() == {SHOP: 1}
    assert (setup.attribution.counters().unattributed, setup.attribution.counters().waiting) == (1, 0)


def test_a_long_connection_given_up_once_is_found_later() -> None:
    setup = Setup()
    recorder = setup.attribution.recognised(flow(), "http")
    recorder.record(exchange())
    setup.attribution.update(ONLY_SERVER, 5.0)
    setup.attribution.update(BOTH, 60.0)
    recorder.record(exchange())
    assert setup.requests() == {SHOP: 2, WORKER: 1, EDGE: 1}


def test_no_address_names_a_remote_end() -> None:
    setup = Setup()
    remote = {Ends(endpoint("192.0.2.1:40001"), endpoint("203.0.113.5:80")): "worker"}
    setup.attribution.update(look(LISTENING, remote, BOTH.local_addresses), 1.0)
    setup.attribution.recognised(flow("203.0.113.9:1234", "192.0.2.1:8000"), "http").record(exchange())
    setup.attribution.recognised(flow("192.0.2.1:40001", "203.0.113.5:80"), "http").record(exchange())
    assert setup.requests() == {
        SHOP: 1,
        WORKER: 1,
        EdgeKey(EXTERNAL, "shop", "http"): 1,
        EdgeKey("worker", EXTERNAL, "http"): 1,
    }


def test_traffic_between_two_other_hosts_is_nobody_s() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.recognised(flow("203.0.113.9:1234", "203.0.113.5:80"), "http").record(exchange())
    setup.attribution.update(BOTH, 7.0)
    assert setup.requests() == {}
    assert setup.attribution.counters().unattributed == 1


def test_a_listener_on_one_address_goes_before_one_on_all() -> None:
    setup = Setup()
    listening = {**LISTENING, Listener("tcp", "127.0.0.1", 8000): "admin", Listener("udp", "127.0.0.1", 8000): "other"}
    setup.attribution.update(look(listening, CONNECTED, BOTH.local_addresses), 1.0)
    setup.attribution.recognised(flow(), "http").record(exchange())
    assert setup.requests()[SideKey("admin", Role.SERVER, "http")] == 1


def test_a_service_that_gets_another_name_takes_its_connections_along() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    recorder = setup.attribution.recognised(flow(), "http")
    recorder.record(exchange())
    renamed = {**CONNECTED, Ends(endpoint(CLIENT), endpoint(SERVER)): "celery"}
    setup.attribution.update(look(LISTENING, renamed, BOTH.local_addresses), 2.0)
    recorder.record(exchange())
    assert setup.requests()[WORKER] == 1
    assert setup.requests()[SideKey("celery", Role.CLIENT, "http")] == 1
    assert setup.requests()[SHOP] == 2


def test_a_connection_that_no_look_saw_is_credited_to_the_only_service_that_asks_so() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.update(ONLY_SERVER, 2.0)  # the worker's connection came and went
    setup.attribution.recognised(flow("127.0.0.1:40001", SERVER), "http").record(exchange())
    setup.attribution.update(ONLY_SERVER, 7.0)
    assert setup.requests() == {SHOP: 1, WORKER: 1, EDGE: 1}
    assert (setup.attribution.counters().inferred, setup.attribution.counters().unattributed) == (1, 0)


def test_who_keeps_its_connection_or_is_not_alone_is_not_taken_for_the_client_of_others() -> None:
    setup = Setup()
    kept, gone = "127.0.0.1:40000", "127.0.0.1:40001"
    cart = {Ends(endpoint(gone), endpoint(SERVER)): "cart"}
    both = look(LISTENING, CONNECTED | cart, BOTH.local_addresses)
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.recognised(flow("127.0.0.1:40002", SERVER), "http").record(exchange())
    setup.attribution.update(BOTH, 6.0)
    assert setup.requests() == {SHOP: 1}, f"the connection of {kept} stays"
    for second, seen in ((7.0, both), (8.0, ONLY_SERVER)):
        setup.attribution.update(seen, second)
    setup.attribution.recognised(flow("127.0.0.1:40003", SERVER), "http").record(exchange())
    setup.attribution.update(ONLY_SERVER, 13.0)
    assert setup.requests() == {SHOP: 2}, "worker or cart"
    assert setup.attribution.counters().inferred == 0


def test_who_asked_long_ago_is_not_taken_for_the_client() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.update(ONLY_SERVER, 2.0)
    setup.attribution.update(ONLY_SERVER, 63.0)
    setup.attribution.recognised(flow("127.0.0.1:40001", SERVER), "http").record(exchange())
    setup.attribution.update(ONLY_SERVER, 68.0)
    assert setup.requests() == {SHOP: 1}


def test_waiting_connections_are_bounded() -> None:
    setup = Setup(connections=10)
    recorders = [setup.attribution.recognised(flow(f"127.0.0.1:{port}"), "http") for port in range(1, 101)]
    for recorder in recorders:
        recorder.record(exchange())
        recorder.close(0)
    assert setup.attribution.counters().waiting == 10
    assert setup.attribution.counters().unattributed == 90


def test_unparsable_connections_are_counted_by_protocol() -> None:
    setup = Setup()
    for _ in range(2):
        setup.attribution.unparsable(flow(), "http")
    assert setup.attribution.counters().unparsable == {"http": 2}


def test_a_name_that_turned_out_to_be_none_leaves_its_counts_and_open_connections_to_the_next() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    recorder = setup.attribution.recognised(flow(), "http")
    recorder.record(exchange())
    later = {ends: name.replace("shop", "till") for ends, name in CONNECTED.items()}

    setup.attribution.update(look({Listener("tcp", "*", 8000): "till"}, later, BOTH.local_addresses), 2.0)
    for _ in range(2):  # a view may be seen more than once
        setup.attribution.rename({"shop": "till"})
    recorder.record(exchange())

    assert setup.requests() == {
        SideKey("till", Role.SERVER, "http"): 2,
        WORKER: 2,
        EdgeKey("worker", "till", "http"): 2,
    }


def test_a_rename_of_nobody_changes_nothing() -> None:
    setup = Setup()
    setup.attribution.update(BOTH, 1.0)
    setup.attribution.recognised(flow(), "http").record(exchange())
    setup.attribution.rename({"nobody": "till", "shop": "shop"})
    assert setup.requests() == {SHOP: 1, WORKER: 1, EDGE: 1}
