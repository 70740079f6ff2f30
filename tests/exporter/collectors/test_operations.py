"""Keys of caches and names of DNS as metrics."""

from exporter.collectors.operations import cache_families, dns_families
from exporter.model import Exchange, Kind, Message, Operation, Role
from exporter.protocols.base import Family
from exporter.services.traffic import Caps, Traffic, TrafficSnapshot

FAMILIES = {"memcached": Family.CACHE, "dns": Family.NAMES, "mysql": Family.DATABASE}


def exchange(operation: str, status: str = "", hits: int = 0, misses: int = 0) -> Exchange:
    request = Message(Kind.REQUEST, 0, 0, 10, Operation(operation))
    return Exchange(request, Message(Kind.RESPONSE, 1, 1, 10, status=status, hits=hits, misses=misses))


def counted(protocol: str, *exchanges: Exchange) -> TrafficSnapshot:
    traffic = Traffic(FAMILIES.__getitem__, Caps(), 60.0)
    for one in exchanges:
        traffic.side("shop", Role.CLIENT, protocol).add(one)
    return traffic.snapshot()


def test_gets_are_the_keys_that_were_found_or_not() -> None:
    gets, hits = cache_families(counted("memcached", exchange("get", hits=2, misses=3), exchange("set")))
    labels = {"service_name": "shop", "role": "client", "db_system": "memcached"}
    assert [(sample.labels, sample.value) for sample in gets.samples] == [(labels, 5)]
    assert [(sample.labels, sample.value) for sample in hits.samples] == [(labels, 2)]


def test_databases_without_lookups_have_no_gets() -> None:
    assert not any(family.samples for family in cache_families(counted("mysql", exchange("SELECT"))))


def test_names_that_did_not_resolve_are_failures() -> None:
    unanswered = Exchange(exchange("AAAA").request, None)
    snapshot = counted(
        "dns", exchange("A", "NOERROR"), exchange("A", "NXDOMAIN"), exchange("A", "SERVFAIL"), unanswered
    )
    queries, failures = dns_families(snapshot)
    assert {sample.labels["operation"]: sample.value for sample in queries.samples} == {"A": 3, "AAAA": 1}
    assert {sample.labels["rcode"]: sample.value for sample in failures.samples} == {
        "NXDOMAIN": 1,
        "SERVFAIL": 1,
        "none": 1,
    }
