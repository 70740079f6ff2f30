"""What network namespaces see of each other's services."""

from exporter.model import Endpoint
from exporter.services.outlook import Inside, Outlook
from exporter.services.view import Ends, HostView, Listener

CLIENT = Endpoint("10.9.9.9", 1)


def inside(zone: int, service: str, address: str, port: int) -> Inside:
    """A namespace with one listener on every address, a connection from afar and one of its own loopback."""
    inner = Endpoint("127.0.0.1", port)
    return Inside(
        zone,
        {Listener("tcp", "*", port): service, Listener("tcp", "127.0.0.1", 9000): f"{service}'s own"},
        {Ends(Endpoint(address, port), CLIENT): service, Ends(inner, inner): service},
        frozenset({"127.0.0.1", address}),
    )


def seen() -> list[HostView]:
    return Outlook().views([inside(0, "web", "10.0.0.1", 80), inside(7, "shop", "172.17.0.2", 8080)], HostView())


def test_what_has_an_address_of_its_own_is_seen_by_all() -> None:
    outer, inner = seen()
    for view in (outer, inner):
        assert view.service_at(Endpoint("172.17.0.2", 8080)) == "shop"
        assert view.service_at(Endpoint("10.0.0.1", 80)) == "web"
        assert view.is_local("172.17.0.2")
        assert view.is_local("10.0.0.1")
        assert not view.is_local("10.9.9.9")


def test_loopback_is_its_own_and_its_packets_are_told_from_outside() -> None:
    outer, inner = seen()
    assert inner.service_at(Endpoint("127.0.0.1", 8080)) == "shop"
    assert outer.service_at(Endpoint("127.0.0.1", 8080)) == inner.service_at(Endpoint("127.0.0.1", 80)) == ""
    assert outer.service_at(Endpoint("127.0.0.1%7", 8080)) == "shop"
    assert outer.service_at(Endpoint("127.0.0.1%7", 9000)) == "shop's own"
    assert outer.service_at(Endpoint("127.0.0.1", 9000)) == "web's own"


def test_listening_on_all_addresses_is_for_those_of_the_own_namespace() -> None:
    outer, inner = seen()
    for view in (outer, inner):
        assert view.service_at(Endpoint("172.17.0.2", 80)) == view.service_at(Endpoint("10.0.0.1", 8080)) == ""


def test_connections_of_loopbacks_are_told_apart() -> None:
    outer, _ = seen()
    own, other = Endpoint("127.0.0.1", 80), Endpoint("127.0.0.1%7", 8080)
    assert (outer.service_of(own, own), outer.service_of(other, other)) == ("web", "shop")
    assert outer.service_of(Endpoint("127.0.0.1", 8080), Endpoint("127.0.0.1", 8080)) == ""
    assert outer.service_of(Endpoint("172.17.0.2", 8080), CLIENT) == "shop"


def test_two_namespaces_with_the_same_address_each_see_their_own() -> None:
    insides = [inside(0, "web", "10.0.0.1", 80), inside(7, "north", "10.1.1.2", 81), inside(8, "south", "10.1.1.2", 81)]
    _, north, south = Outlook().views(insides, HostView())
    place = Endpoint("10.1.1.2", 81)
    assert (north.service_at(place), south.service_at(place)) == ("north", "south")
    assert (north.service_of(place, CLIENT), south.service_of(place, CLIENT)) == ("north", "south")


def test_alone_nothing_is_made_anew() -> None:
    one = inside(0, "web", "10.0.0.1", 80)
    (view,) = Outlook().views([one], HostView())
    assert view.connections is one.connections
    assert view.local_addresses is one.addresses


def test_what_did_not_change_is_the_same_object() -> None:
    outlook = Outlook()
    insides = [inside(0, "web", "10.0.0.1", 80), inside(7, "shop", "172.17.0.2", 8080)]
    before, after = outlook.views(insides, HostView()), outlook.views(insides, HostView())
    for one, other in zip(before, after, strict=True):
        assert one.connections is other.connections
        assert one.local_addresses is other.local_addresses
