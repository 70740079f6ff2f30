from exporter.model import Role
from exporter.services.connects import Connects, Tally
from exporter.services.outlines import Dependency, Dialling, outlines
from exporter.services.traffic import UNKNOWN, Caps, Traffic
from tests.exporter.services.exchanges import FAMILIES, exchange


def test_an_outline_adds_up_what_a_service_did() -> None:
    traffic, connects = Traffic(FAMILIES.__getitem__, Caps(), 900.0), Connects(lambda name: name, 10)
    side = traffic.side("shop", Role.SERVER, "http")
    for _ in range(3):
        side.add(exchange())
    traffic.edge("worker", "shop", "http")
    traffic.edge("worker", UNKNOWN, "http")
    connects.credit("worker", "shop", Tally(connects=2.0))

    found = outlines(traffic, connects)

    (outline,) = found.sides
    assert (outline.service_name, outline.role, outline.requests, outline.timed) == ("shop", Role.SERVER, 3.0, 3.0)
    assert outline.request_bytes == side.request_bytes
    assert outline.seconds == side.duration_sum / 1e9
    assert set(found.dialling) == {Dialling("worker", Role.CLIENT, 2.0), Dialling("shop", Role.SERVER, 2.0)}
    assert found.dependencies == {Dependency("worker", "shop")}
