from exporter.collectors.tcp import tcp_families
from exporter.services.connects import Connects, Tally
from exporter.services.traffic import EXTERNAL
from tests.contract.exposition import golden
from tests.exporter.collectors.test_traffic import exposed


def busy() -> Connects:
    connects = Connects(lambda name: name, 10)
    one = Tally(3.0, 2.0, 4_000_000.0, 5.0, 7.0, [11.0, 13.0])
    connects.credit("web", "db", one)
    connects.credit(EXTERNAL, "web", Tally(connects=2.0))
    return connects


def test_connections_failures_repetitions_and_handshakes_come_per_service_and_role() -> None:
    seen = exposed(tcp_families(busy().snapshot()))
    assert seen["larimar_tcp_connects_total service_name=web"] == 3
    assert seen["larimar_tcp_accepts_total service_name=web"] == 2
    assert seen["larimar_tcp_accepts_total service_name=db"] == 3
    assert seen["larimar_tcp_connect_failures_total reason=refused role=client service_name=web"] == 5
    assert seen["larimar_tcp_connect_failures_total reason=unanswered role=server service_name=db"] == 7
    assert seen["larimar_tcp_connect_failures_total reason=refused role=server service_name=web"] == 0
    assert seen["larimar_tcp_retransmits_total role=client service_name=web"] == 11
    assert seen["larimar_tcp_retransmits_total role=server service_name=db"] == 13
    assert seen["larimar_tcp_handshake_seconds_sum role=client service_name=web"] == 0.004
    assert seen["larimar_tcp_handshake_seconds_count role=client service_name=web"] == 2


def test_the_same_comes_per_edge() -> None:
    seen = exposed(tcp_families(busy().snapshot()))
    edge = "client=web {}server=db"
    assert seen[f"larimar_edge_connects_total {edge.format('')}"] == 3
    assert seen[f"larimar_edge_connect_failures_total {edge.format('reason=unanswered ')}"] == 7
    assert seen[f"larimar_edge_retransmits_total {edge.format('')}"] == 24
    assert seen[f"larimar_edge_handshake_seconds_count {edge.format('')}"] == 2
    assert seen[f"larimar_edge_connects_total client={EXTERNAL} server=web"] == 2


def test_what_another_host_does_is_no_service_of_this_one() -> None:
    seen = exposed(tcp_families(busy().snapshot()))
    assert not any(f"service_name={EXTERNAL}" in sample for sample in seen)


def test_every_family_is_promised_with_its_labels() -> None:
    promised = golden()
    for family in tcp_families(busy().snapshot()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert promised[name].kind == family.type
        assert {frozenset(sample.labels) for sample in family.samples} == {promised[name].labels}
