"""Findings and readings for the tests of incidents: minutes as times, the signals that are shipped."""

import math
from collections.abc import Iterable, Mapping

from detector.incidents.incident import Book, Reading
from detector.incidents.lifecycle import Rules, advance
from detector.model import Finding, SeriesKey
from tests.detector.world import SIGNALS

NAMED = {signal.name: signal for signal in SIGNALS}
RULES = Rules(interval=60.0, recovery=120.0, wait=120.0)
NOTHING = math.nan


def finding(
    service: str,
    signal: str = "errors",
    since: float = 0.0,
    at: float = 60.0,
    observed: float = 0.05,
    server: str = "",
) -> Finding:
    silent = math.isnan(observed)
    return Finding(SeriesKey(service, signal, server), at, since, 5.0, observed, 0.001, 0.0, 0.01, silent)


def reading(
    at: float,
    findings: Iterable[Finding] = (),
    calm: Iterable[SeriesKey] = (),
    *,
    suspects: Iterable[str] = (),
    hidden: Iterable[str] = (),
    callees: Mapping[str, frozenset[str]] | None = None,
) -> Reading:
    """A look at `at`: what departs was judged, and so was what is calm."""
    found, good = tuple(findings), frozenset(calm)
    judged = good | {one.key for one in found}
    return Reading(at, found, judged, good, frozenset(suspects), frozenset(hidden), callees or {})


def after(*readings: Reading, book: Book | None = None, rules: Rules = RULES) -> Book:
    """The book after some readings."""
    current = Book() if book is None else book
    for one in readings:
        current = advance(current, one, NAMED, rules)
    return current
