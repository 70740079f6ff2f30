"""What is local, and where it is looked for: this host's namespaces together."""

from exporter.model import Endpoint, Flow
from exporter.services.places import Places
from exporter.services.traffic import EXTERNAL
from exporter.services.view import Ends, HostView, Listener

INNER = Endpoint("172.17.0.2", 80)
VIEW = HostView(
    listeners={
        Listener("tcp", "*", 80): "outer",
        Listener("tcp", "*%7", 80): "seventh",
        Listener("tcp", "127.0.0.1%8", 80): "eighth",
    },
    connections={Ends(Endpoint("127.0.0.1%8", 40_000), Endpoint("127.0.0.1%8", 80)): "asks"},
    local_addresses=frozenset({"192.0.2.1", "172.17.0.2%7"}),
)


def flow(server: Endpoint, client: Endpoint) -> Flow:
    return Flow(client, server, "tcp", sure=True)


def test_who_listens_on_all_addresses_is_of_the_namespace_that_has_the_address() -> None:
    assert VIEW.service_at(INNER) == "seventh"
    assert VIEW.service_at(Endpoint("192.0.2.1", 80)) == "outer"
    assert VIEW.service_at(Endpoint("127.0.0.1", 80)) == "outer"
    assert VIEW.service_at(Endpoint("127.0.0.1%7", 80)) == "seventh"
    assert VIEW.service_at(Endpoint("127.0.0.1%8", 80)) == "eighth"
    assert VIEW.service_at(Endpoint("127.0.0.2%8", 80)) == ""
    assert VIEW.service_at(Endpoint("198.51.100.1", 80)) == ""


def test_both_ends_of_a_connection_within_a_namespace_are_found() -> None:
    places = Places(60.0)
    places.update(VIEW, 1.0)
    inner = flow(Endpoint("127.0.0.1%8", 80), Endpoint("127.0.0.1%8", 40_000))
    assert (places.client(inner), places.server(inner)) == ("asks", "eighth")
    crossing = flow(INNER, Endpoint("198.51.100.1", 40_000))
    assert (places.client(crossing), places.server(crossing)) == (EXTERNAL, "seventh")
