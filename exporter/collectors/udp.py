"""UDP sockets of services."""

from collections.abc import Iterator, Mapping

from exporter.services.datagrams import UdpUse
from toolkit.families import Family, counter, gauge


def udp_families(services: Mapping[str, UdpUse]) -> Iterator[Family]:
    """Yield how many UDP sockets each service has, and what they dropped."""
    sockets = gauge("larimar_udp_sockets", "UDP sockets of a service. sock_diag.", labels=("service_name",))
    dropped = counter(
        "larimar_udp_receive_drops_total",
        "Datagrams to a service that the kernel dropped because the socket's buffer was full. sock_diag.",
        labels=("service_name",),
    )
    for name, use in services.items():
        sockets.add((name,), use.sockets)
        dropped.add((name,), use.dropped)
    yield sockets
    yield dropped
