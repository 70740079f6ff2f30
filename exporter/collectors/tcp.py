"""TCP per service and edge: connections, failed connects, retransmissions, handshakes."""

from collections.abc import Iterator, Mapping, Sequence

from exporter.model import Role
from exporter.services.connects import CLIENT, SERVER, ConnectsSnapshot, Tally
from exporter.services.histogram import NANOSECONDS
from toolkit.families import Family, counter, summary

WAY = ("client", "server")
HANDSHAKE = (
    "Time from SYN to SYN-ACK as captured on this host: a network round trip where the client is here, next to nothing "
    "where the server is."
)


def tcp_families(snapshot: ConnectsSnapshot) -> Iterator[Family]:
    """Yield the families of services, then those of edges."""
    yield _connects("connects", "TCP connections that a service opened and used.", Role.CLIENT, snapshot)
    yield _connects("accepts", "TCP connections of others to a service that came into use.", Role.SERVER, snapshot)
    by_role = {(key.service_name, key.role.value): tally for key, tally in snapshot.places.items()}
    failed = (
        "refused (RST in answer to SYN) or unanswered for ten seconds. `~unknown` is an end here that was not found."
    )
    labels = ("service_name", "role")
    yield _failures(
        "larimar_tcp_connect_failures_total",
        f"Attempts of a service (role client) or of others (role server) to open a TCP connection that were {failed}",
        labels,
        by_role,
    )
    retransmits = counter(
        "larimar_tcp_retransmits_total", "TCP segments that a service sent again, SYNs among them.", labels=labels
    )
    for place, tally in snapshot.places.items():
        sent = tally.retransmits[CLIENT if place.role is Role.CLIENT else SERVER]
        retransmits.add((place.service_name, place.role.value), sent)
    yield retransmits
    yield _handshakes("larimar_tcp_handshake_seconds", labels, by_role)
    yield from _way_families({(key.client, key.server): tally for key, tally in snapshot.ways.items()}, failed)


def _way_families(tallies: Mapping[tuple[str, str], Tally], failed: str) -> Iterator[Family]:
    connects = counter(
        "larimar_edge_connects_total", "TCP connections of one service to another that came into use.", labels=WAY
    )
    retransmits = counter(
        "larimar_edge_retransmits_total", "TCP segments sent again by either of two services.", labels=WAY
    )
    for ends, tally in tallies.items():
        connects.add(ends, tally.connects)
        retransmits.add(ends, sum(tally.retransmits))
    yield connects
    yield _failures(
        "larimar_edge_connect_failures_total",
        f"Attempts of one service to open a TCP connection to another that were {failed}",
        WAY,
        tallies,
    )
    yield retransmits
    yield _handshakes("larimar_edge_handshake_seconds", WAY, tallies)


def _connects(name: str, documentation: str, role: Role, snapshot: ConnectsSnapshot) -> Family:
    family = counter(f"larimar_tcp_{name}_total", documentation, labels=("service_name",))
    for key, tally in snapshot.places.items():
        if key.role is role:
            family.add((key.service_name,), tally.connects)
    return family


def _failures(name: str, documentation: str, labels: Sequence[str], tallies: Mapping[tuple[str, str], Tally]) -> Family:
    family = counter(name, documentation, labels=(*labels, "reason"))
    for ends, tally in tallies.items():
        # From zero, so that the first failures are an increase.
        family.add((*ends, "refused"), tally.refused)
        family.add((*ends, "unanswered"), tally.unanswered)
    return family


def _handshakes(name: str, labels: Sequence[str], tallies: Mapping[tuple[str, str], Tally]) -> Family:
    family = summary(name, HANDSHAKE, labels=labels)
    for ends, tally in tallies.items():
        family.add_summary(ends, tally.handshakes, tally.handshake_sum / NANOSECONDS)
    return family
