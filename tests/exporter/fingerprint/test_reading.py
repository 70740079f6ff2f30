from exporter.fingerprint.activity import Amount
from exporter.fingerprint.reading import lasting_ports, readings
from exporter.identity.facts import NameSource, ServiceIdentity
from exporter.model import Role
from exporter.services.members import Gauges
from exporter.services.outlines import Dialling, Outline, Outlines
from exporter.services.resources import ServiceResources
from exporter.services.usage import Counters
from exporter.services.view import HostView, Listener

SHOP = ServiceIdentity("shop", NameSource.INTERPRETER, "python")
USED = ServiceResources(
    Counters(user_nanoseconds=1_500_000_000, minor_faults=7), 1, Gauges(processes=2, threads=6), has_io=True
)


def outline(role: Role, protocol: str, requests: float) -> Outline:
    return Outline("shop", role, protocol, requests, 1.0, 10.0, 100.0, requests, 0.5, 2.0)


def test_a_reading_puts_together_resources_traffic_and_ports() -> None:
    view = HostView(services={"shop": SHOP}, listeners={Listener("tcp", "*", 8000): "shop"})
    sides = (outline(Role.SERVER, "http", 4.0), outline(Role.SERVER, "grpc", 2.0), outline(Role.CLIENT, "mysql", 8.0))

    found = readings(view, {"shop": USED}, Outlines(sides, (Dialling("shop", Role.SERVER, 3.0),)))["shop"]

    assert found.amounts[Amount.CPU_USER] == 1.5
    assert (found.amounts[Amount.SERVED], found.amounts[Amount.SPEAKS_HTTP]) == (6.0, 6.0)
    assert (found.amounts[Amount.ASKED], found.amounts[Amount.ASKS_RECORDS]) == (8.0, 8.0)
    assert (found.amounts[Amount.RESPONSE_BYTES], found.amounts[Amount.GOT_BYTES]) == (200.0, 100.0)
    assert found.amounts[Amount.ACCEPTS] == 3.0
    assert (found.holding.processes, found.holding.ports) == (2, frozenset({8000}))
    assert found.holding.is_interpreted


def test_what_nobody_parses_is_spoken_too() -> None:
    side = outline(Role.SERVER, "unknown", 4.0)

    found = readings(HostView(services={"shop": SHOP}), {"shop": USED}, Outlines((side,)))["shop"]

    assert found.amounts[Amount.SPEAKS_OTHER] == 4.0


def test_services_without_processes_have_no_reading() -> None:
    assert not readings(HostView(), {"shop": USED}, Outlines())


def test_passing_ports_say_something_only_of_who_has_no_other() -> None:
    listeners = {
        Listener("tcp", "*", 80): "web",
        Listener("tcp", "*", 40000): "web",
        Listener("tcp", "*", 40001): "odd",
        Listener("udp", "*", 40002): "client",
    }

    view = HostView(listeners=listeners)

    assert lasting_ports(view, "tcp") == {"web": {80}, "odd": {40001}}
    assert not lasting_ports(view, "udp").get("client")
