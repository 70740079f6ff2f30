"""UDP sockets of services."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from exporter.services.datagrams import UdpUse


def udp_families(services: Mapping[str, UdpUse]) -> Iterator[Metric]:
    """Yield how many UDP sockets each service has, and what they dropped."""
    sockets = GaugeMetricFamily("larimar_udp_sockets", "UDP sockets of a service. sock_diag.", labels=("service_name",))
    dropped = CounterMetricFamily(
        "larimar_udp_receive_drops_total",
        "Datagrams to a service that the kernel dropped because the socket's buffer was full. /proc/net/udp.",
        labels=("service_name",),
    )
    for name, use in services.items():
        sockets.add_metric((name,), use.sockets)
        dropped.add_metric((name,), use.dropped)
    yield sockets
    yield dropped
