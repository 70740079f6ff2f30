"""How each service behaves, and how far that is from its usual behaviour."""

from collections.abc import Iterator, Mapping

from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.profiles import Profile
from toolkit.families import Family, gauge

MAX_SHIFTS = 8  # of one service


def fingerprint_families(profiles: Mapping[str, Profile]) -> Iterator[Family]:
    """Yield the fingerprints; a dimension of which nothing is known, or that never was above zero, is left out."""
    ratio = gauge(
        "larimar_service_fingerprint_ratio",
        "Behaviour of the service in the last minutes: shares, and rates, sizes and times on a clipped logarithmic "
        "scale from 0 to 1.",
        labels=("service_name", "dimension"),
    )
    distance = gauge(
        "larimar_service_fingerprint_distance",
        "Distance of the fingerprint from the service's usual one: root mean square of its three farthest dimensions, "
        "in standard deviations of each, at most 10. Absent in a service's first ten minutes.",
        labels=("service_name",),
    )
    shift = gauge(
        "larimar_service_fingerprint_shift",
        "Dimensions that are three or more standard deviations away, at most 8 per service; signed.",
        labels=("service_name", "dimension"),
    )
    for name, profile in profiles.items():
        for index, (dimension, value) in enumerate(zip(NAMES, profile.vector, strict=True)):
            if value is not None and index in profile.seen:
                ratio.add((name, dimension), value)
        if profile.distance is not None:
            distance.add((name,), profile.distance.deviations)
            for moved in profile.distance.moved[:MAX_SHIFTS]:
                shift.add((name, moved.dimension), moved.deviations)
    yield distance
    yield shift
    yield ratio
