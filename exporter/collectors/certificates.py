"""Expiry of the certificates that services present or are presented, where TLS does not encrypt them."""

from collections.abc import Iterator

from exporter.services.traffic import TrafficSnapshot
from toolkit.families import Family, gauge


def certificate_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield when the first of a service's certificates expires; of several for one server name the last one seen."""
    family = gauge(
        "larimar_tls_certificate_not_after_timestamp_seconds",
        "Expiry of the certificate that expires first, of those sent in clear text, as only TLS 1.2 and older do.",
        labels=("service_name", "role"),
    )
    for key, side in snapshot.sides.items():
        if side.certificates:
            family.add((key.service_name, key.role.value), min(side.certificates.values()))
    yield family
