"""TCP sockets per service, role and edge: bytes, states, round-trip times."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from statistics import median

from exporter.model import Role
from exporter.services.connects import WayKey
from exporter.services.parties import Party
from exporter.services.transfers import Totals
from toolkit.families import Family, counter, gauge

SIDE = ("service_name", "role")
EDGE = ("client", "server", "server_port")
UNIX = "unix"
MICROSECONDS = 1e6
# include/net/tcp_states.h; TIME_WAIT belongs to nobody, and LISTEN is no connection.
STATES = {
    1: "established",
    2: "syn_sent",
    3: "syn_recv",
    4: "fin_wait1",
    5: "fin_wait2",
    7: "close",
    8: "close_wait",
    9: "last_ack",
    11: "closing",
    12: "syn_recv",
}
Parties = Mapping[Party, Totals]
Side = tuple[str, str]
"""A service's name and its role: the values of the labels `SIDE`."""


def socket_families(parties: Parties, unix_edges: Mapping[WayKey, int]) -> Iterator[Family]:
    """Yield the families of services, then those of edges."""
    sides: defaultdict[Side, list[Totals]] = defaultdict(list)
    for party, totals in parties.items():
        sides[party.service_name, party.role.value].append(totals)
    yield from _bytes(sides)
    yield _states(sides)
    yield from _medians(sides)
    yield from _edges({party: totals for party, totals in parties.items() if party.server_port}, unix_edges)


def _bytes(sides: Mapping[Side, list[Totals]]) -> Iterator[Family]:
    received = counter(
        "larimar_service_network_receive_bytes_total",
        "Payload bytes received over TCP, including loopback. sock_diag.",
        labels=SIDE,
    )
    sent = counter(
        "larimar_service_network_transmit_bytes_total",
        "Payload bytes sent over TCP, including loopback; retransmitted bytes count once. sock_diag.",
        labels=SIDE,
    )
    resent = counter(
        "larimar_tcp_retransmit_bytes_total", "Bytes of payload that TCP sent again. sock_diag.", labels=SIDE
    )
    for side, found in sides.items():
        received.add(side, sum(one.received for one in found))
        sent.add(side, sum(one.sent for one in found))
        resent.add(side, sum(one.resent for one in found))
    yield received
    yield sent
    yield resent


def _states(sides: Mapping[Side, list[Totals]]) -> Family:
    family = gauge(
        "larimar_tcp_connections",
        "TCP connections that a service opened (role client) or accepted (role server), by state. sock_diag.",
        labels=(*SIDE, "state"),
    )
    for side, found in sides.items():
        numbers = Counter({"established": 0})
        for one in found:
            numbers.update({STATES[state]: number for state, number in one.states.items() if state in STATES})
        for state, number in sorted(numbers.items()):
            family.add((*side, state), number)
    return family


def _medians(sides: Mapping[Side, list[Totals]]) -> Iterator[Family]:
    trips = gauge(
        "larimar_tcp_rtt_seconds",
        "Median smoothed round-trip time of the established connections. sock_diag.",
        labels=SIDE,
    )
    rates = gauge(
        "larimar_tcp_delivery_rate_bytes_per_second",
        "How fast data last reached its receiver, median of the connections that are established now and have sent "
        "any. sock_diag.",
        labels=SIDE,
    )
    for side, found in sides.items():
        rtts_us = [value for one in found for value in one.rtts_us]
        if rtts_us:
            trips.add(side, median(rtts_us) / MICROSECONDS)
        delivery_rates = [value for one in found for value in one.delivery_rates]
        if delivery_rates:
            rates.add(side, median(delivery_rates))
    yield trips
    yield rates


def _edges(parties: Parties, unix_edges: Mapping[WayKey, int]) -> Iterator[Family]:
    to_client = counter(
        "larimar_edge_receive_bytes_total",
        "Payload bytes that a client received from a server over TCP; `~external` is another host. sock_diag.",
        labels=EDGE,
    )
    to_server = counter(
        "larimar_edge_transmit_bytes_total",
        "Payload bytes that a client sent to a server over TCP; `~external` is another host. sock_diag.",
        labels=EDGE,
    )
    connections = gauge(
        "larimar_edge_connections",
        "Current TCP connections of a client to a server. sock_diag.",
        labels=EDGE,
    )
    for party, totals in parties.items():
        asks = party.role is Role.CLIENT
        ends = (party.service_name, party.peer) if asks else (party.peer, party.service_name)
        labels = (*ends, party.server_port)
        to_client.add(labels, totals.received if asks else totals.sent)
        to_server.add(labels, totals.sent if asks else totals.received)
        connections.add(labels, sum(totals.states.values()))
    for way, number in unix_edges.items():
        connections.add((way.client, way.server, UNIX), number)
    yield to_client
    yield to_server
    yield connections
