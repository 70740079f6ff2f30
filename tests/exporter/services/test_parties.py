import pytest

from exporter.model import Endpoint, Role
from exporter.services.parties import COUNTED_THERE, Parties, Party
from exporter.services.places import Places
from exporter.services.traffic import EXTERNAL, UNKNOWN
from exporter.services.view import Ends, HostView, Listener

HERE, ALSO_HERE, AWAY = "10.0.0.1", "127.0.0.1", "10.9.9.9"
REDIS, SHOP = Endpoint(ALSO_HERE, 6379), Endpoint(ALSO_HERE, 40000)


def view(*connections: tuple[Ends, str]) -> HostView:
    return HostView(
        listeners={Listener("tcp", "*", 6379): "redis", Listener("tcp", HERE, 80): "web"},
        connections=dict(connections),
        local_addresses=frozenset({HERE, ALSO_HERE}),
    )


@pytest.fixture
def parties() -> Parties:
    parties = Parties(Places(60.0))
    parties.update(view((Ends(SHOP, REDIS), "shop"), (Ends(REDIS, SHOP), "redis")), 0.0)
    return parties


def test_a_client_of_a_service_on_this_host(parties: Parties) -> None:
    assert parties.of(Ends(SHOP, REDIS)) == Party("shop", Role.CLIENT, "redis", "6379")


def test_a_server_whose_client_is_here_leaves_the_edge_to_it(parties: Parties) -> None:
    assert parties.of(Ends(REDIS, SHOP)) == Party("redis", Role.SERVER, COUNTED_THERE, "")


def test_a_server_whose_client_is_elsewhere_has_an_edge(parties: Parties) -> None:
    ends = Ends(Endpoint(HERE, 80), Endpoint(AWAY, 50000))

    assert parties.of(ends) == Party("web", Role.SERVER, EXTERNAL, "80"), "also before it was accepted"


def test_a_client_of_another_host(parties: Parties) -> None:
    ends = Ends(Endpoint(HERE, 40001), Endpoint(AWAY, 443))
    assert parties.of(ends) is None
    assert parties.of_closed(ends) == Party(UNKNOWN, Role.CLIENT, EXTERNAL, "443")
    parties.update(view((ends, "shop")), 1.0)

    assert parties.of(ends) == Party("shop", Role.CLIENT, EXTERNAL, "443")


def test_a_port_of_passing_use_is_no_label(parties: Parties) -> None:
    ends = Ends(Endpoint(HERE, 40001), Endpoint(AWAY, 50001))
    parties.update(view((ends, "shop")), 1.0)

    assert parties.of(ends) == Party("shop", Role.CLIENT, EXTERNAL, "~other")


def test_who_usually_asks_is_supposed_to_have_asked(parties: Parties) -> None:
    parties.update(view(), 1.0)  # its connection is gone

    assert parties.of_closed(Ends(Endpoint(ALSO_HERE, 0), REDIS)) == Party("shop", Role.CLIENT, "redis", "6379")
