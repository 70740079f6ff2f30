from exporter.collectors.certificates import certificate_families
from exporter.model import Exchange, Kind, Message, Role, TlsFacts
from exporter.protocols.base import Family
from exporter.services.counters import Side
from exporter.services.operations import Operations
from exporter.services.traffic import SideKey, TrafficSnapshot


def handshake(name: str, not_after: int) -> Exchange:
    told = Message(Kind.RESPONSE, 2, 3, 100, tls=TlsFacts(name, "TLSv1.2", "", not_after))
    return Exchange(Message(Kind.REQUEST, 1, 1, 100), told)


def test_first_to_expire_is_told_and_a_renewed_one_replaces_what_it_renews() -> None:
    side = Side(Operations(Family.PLAIN, 10))
    for name, not_after in (("a.example", 1000), ("b.example", 2000), ("a.example", 3000), ("c.example", 0)):
        side.add(handshake(name, not_after))
    (family,) = certificate_families(TrafficSnapshot({SideKey("nginx", Role.SERVER, "tls"): side}, {}))
    (sample,) = family.samples
    assert (sample.labels, sample.value) == ({"service_name": "nginx", "role": "server"}, 2000)


def test_names_are_bounded_and_merged() -> None:
    side, other = Side(Operations(Family.PLAIN, 10)), Side(Operations(Family.PLAIN, 10))
    for number in range(1000):
        side.add(handshake(f"{number}.example", 5000 + number))
    other.add(handshake("1.example", 7))
    side.merge(other)
    assert side.certificates is not None
    assert len(side.certificates) <= 65
    assert side.certificates["1.example"] == 7


def test_side_without_certificates_shows_none() -> None:
    (family,) = certificate_families(
        TrafficSnapshot({SideKey("x", Role.CLIENT, "http"): Side(Operations(Family.HTTP, 9))}, {})
    )
    assert family.samples == []
