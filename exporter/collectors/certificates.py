"""Expiry of the certificates that services present or are presented, where TLS does not encrypt them."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from exporter.services.traffic import TrafficSnapshot


def certificate_families(snapshot: TrafficSnapshot) -> Iterator[Metric]:
    """Yield when the first of a service's certificates expires; of several for one server name the last one seen."""
    family = GaugeMetricFamily(
        "larimar_tls_certificate_not_after_timestamp_seconds",
        "Expiry of the certificate that expires first, of those sent in clear text, as only TLS 1.2 and older do.",
        labels=("service_name", "role"),
    )
    for key, side in snapshot.sides.items():
        if side.certificates:
            family.add_metric((key.service_name, key.role.value), min(side.certificates.values()))
    yield family
