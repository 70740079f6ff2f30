"""Requests, errors, durations and bytes of every service, as server and as client."""

from collections.abc import Iterator, Mapping

from exporter.protocols import base
from exporter.services.counters import Side, Traced
from exporter.services.families import label_of
from exporter.services.histogram import BOUNDS_SECONDS, NANOSECONDS
from exporter.services.traffic import SideKey, TrafficSnapshot
from toolkit.families import Exemplar, Family, counter, histogram

LABELS = ("service_name", "role", "protocol")
LE = (*map(repr, map(float, BOUNDS_SECONDS)), "+Inf")
Sides = Mapping[SideKey, Side]


def traffic_families(snapshot: TrafficSnapshot) -> Iterator[Family]:
    """Yield the families of parsed exchanges, then those of turns that only timing tells of."""
    parsed = {key: side for key, side in snapshot.sides.items() if side.family is not base.Family.GUESSED}
    guessed = {key: side for key, side in snapshot.sides.items() if side.family is base.Family.GUESSED}
    yield from _parsed_families(parsed)
    yield _requests(
        "larimar_inferred_requests_total", "Requests inferred from who sent when, of connections not parsed.", guessed
    )
    yield _durations(
        "larimar_inferred_response_seconds",
        "Time from the first byte of an inferred request to the last byte of its response.",
        guessed,
    )


def _parsed_families(sides: Sides) -> Iterator[Family]:
    yield _requests("larimar_requests_total", "Requests seen on the wire, answered or not.", sides)
    errors = counter(
        "larimar_request_errors_total",
        "Requests whose response reports a failure, such as a status of 400 or above or a database error.",
        labels=LABELS,
    )
    request_bytes = counter(
        "larimar_request_bytes_total", "Bytes of requests, headers and bodies, before TCP.", labels=LABELS
    )
    response_bytes = counter(
        "larimar_response_bytes_total", "Bytes of responses, headers and bodies, before TCP.", labels=LABELS
    )
    for key, side in sides.items():
        errors.add(_labels(key), side.errors)
        request_bytes.add(_labels(key), side.request_bytes)
        response_bytes.add(_labels(key), side.response_bytes)
    yield errors
    yield _durations(
        "larimar_request_duration_seconds", "From a request's first byte to its response's last byte.", sides
    )
    yield request_bytes
    yield response_bytes


def _requests(name: str, documentation: str, sides: Sides) -> Family:
    family = counter(name, documentation, labels=LABELS)
    for key, side in sides.items():
        family.add(_labels(key), side.requests)
    return family


def _durations(name: str, documentation: str, sides: Sides) -> Family:
    family = histogram(name, documentation, LABELS, LE)
    for key, side in sides.items():
        exemplars = {place: exemplar(traced) for place, traced in side.traced.items()}
        family.add_histogram(_labels(key), side.durations, side.duration_sum / NANOSECONDS, exemplars)
    return family


def exemplar(traced: Traced) -> Exemplar:
    """Return what OpenMetrics says of an exchange whose trace is known."""
    trace, _, span = traced.trace.decode("ascii").partition("-")
    return Exemplar({"trace_id": trace, "span_id": span}, traced.duration / NANOSECONDS, traced.at / NANOSECONDS)


def _labels(key: SideKey) -> tuple[str, str, str]:
    return key.service_name, key.role.value, label_of(key.protocol)
