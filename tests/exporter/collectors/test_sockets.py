from collections import Counter
from dataclasses import replace

from exporter.collectors.sockets import socket_families
from exporter.collectors.udp import udp_families
from exporter.model import Role
from exporter.services.connects import WayKey
from exporter.services.datagrams import UdpUse
from exporter.services.parties import COUNTED_THERE, Party
from exporter.services.traffic import EXTERNAL
from exporter.services.transfers import Totals
from tests.contract.exposition import golden
from tests.exporter.collectors.test_traffic import exposed

TO_REDIS = Party("shop", Role.CLIENT, "redis", "6379")
FROM_AFAR = Party("shop", Role.SERVER, EXTERNAL, "80")
FROM_HERE = Party("redis", Role.SERVER, COUNTED_THERE, "")


def moved(received: int, sent: int, **states: int) -> Totals:
    codes = {"established": 1, "close_wait": 8}
    counted = {codes[state]: number for state, number in states.items()}
    return Totals(received, sent, 7, Counter(counted), [100, 300], [])


BUSY = {TO_REDIS: moved(10, 20, established=2), FROM_AFAR: moved(30, 40, close_wait=1), FROM_HERE: moved(20, 10)}


def test_bytes_and_states_come_per_service_and_role() -> None:
    second = {replace(TO_REDIS, peer="postgres", server_port="5432"): moved(1, 2, established=3)}
    seen = exposed(socket_families(BUSY | second, {}))

    assert seen["larimar_service_network_receive_bytes_total role=client service_name=shop"] == 11
    assert seen["larimar_service_network_transmit_bytes_total role=server service_name=shop"] == 40
    assert seen["larimar_tcp_retransmit_bytes_total role=client service_name=shop"] == 14
    assert seen["larimar_tcp_connections role=client service_name=shop state=established"] == 5
    assert seen["larimar_tcp_connections role=server service_name=shop state=close_wait"] == 1
    assert seen["larimar_tcp_connections role=server service_name=redis state=established"] == 0
    assert seen["larimar_tcp_rtt_seconds role=server service_name=shop"] == 0.0002


def test_bytes_come_per_edge_as_the_client_sees_them() -> None:
    seen = exposed(socket_families(BUSY, {WayKey("nginx", "php-fpm"): 3}))

    assert seen["larimar_edge_receive_bytes_total client=shop server=redis server_port=6379"] == 10
    assert seen["larimar_edge_transmit_bytes_total client=shop server=redis server_port=6379"] == 20
    assert seen[f"larimar_edge_receive_bytes_total client={EXTERNAL} server=shop server_port=80"] == 40
    assert seen["larimar_edge_connections client=nginx server=php-fpm server_port=unix"] == 3
    assert seen["larimar_edge_connections client=shop server=redis server_port=6379"] == 2
    assert not [
        name
        for name in seen
        if name.startswith("larimar_edge") and not name.endswith(("server_port=80", "server_port=6379", "=unix"))
    ], "an edge is counted once"


def test_names_and_labels_are_those_of_the_contract() -> None:
    promised = golden()
    busy = {party: replace(one, delivery_rates=[5]) for party, one in BUSY.items()}
    for family in socket_families(busy, {}):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert promised[name].kind == family.type
        assert {frozenset(sample.labels) for sample in family.samples} == {promised[name].labels}


def test_udp_sockets_and_drops_come_per_service() -> None:
    seen = exposed(udp_families({"dns": UdpUse(2, 7)}))

    assert seen == {"larimar_udp_sockets service_name=dns": 2, "larimar_udp_receive_drops_total service_name=dns": 7}
    assert {"larimar_udp_sockets", "larimar_udp_receive_drops_total"} <= golden().keys()
