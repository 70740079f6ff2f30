"""An incident: what is kept of a cause from its first finding until its end has been announced."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from detector.incidents.background import Background
from detector.model import Finding, Seconds, SeriesKey, Severity


class Phase(StrEnum):
    """Where an incident is in its life; each is told to Alertmanager as firing but the last."""

    FIRING = "firing"
    RECOVERING = "recovering"  # back to usual, not for long enough yet to say so
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What an alert's labels are made of; it never changes while the incident lives. Empty where it does not apply.

    Attributes:
        server: of what is named for a signal of calls, whom they go to.
    """

    alertname: str
    service_name: str
    signal: str
    instance: str
    severity: Severity
    server: str = ""

    @property
    def key(self) -> SeriesKey:
        """The series that it is named for."""
        return SeriesKey(self.service_name, self.signal, self.server)

    def labels(self) -> dict[str, str]:
        """The alert's own labels."""
        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause.

    Attributes:
        identity: named at the start, kept to the end.
        starts_at: when its first finding left its band.
        phase: since `phase_at`, the time of an evaluation.
        unjudged_seconds: for how long its series gave nothing to judge, though it could have been seen.
        reopened: how often it came back within the flapping window.
        findings: the newest of its own service, the one it is named for first; empty when sight was lost.
        affected: the newest of services that suffer from it.
        background: what was found out around it; None while that is under way.
    """

    identity: Identity
    starts_at: Seconds
    phase: Phase
    phase_at: Seconds
    unjudged_seconds: Seconds
    reopened: int
    findings: tuple[Finding, ...] = ()
    affected: tuple[Finding, ...] = ()
    background: Background | None = None

    def until(self, at: Seconds) -> "Incident":
        """The same with neither its start nor its phase later than `at`."""
        return replace(self, starts_at=min(self.starts_at, at), phase_at=min(self.phase_at, at))


@dataclass(frozen=True, slots=True)
class Book:
    """All that must outlive a restart of the detector.

    Attributes:
        services: incidents by service name.
        sights: LarimarBlind incidents by what is out of sight.
        resolved: ended ones, kept to tell of their end and to notice flapping; oldest first.
        waiting: services whose finding waits for a suspected cause, since when.
        flaps: how many notifications the flapping guard spared so far.
    """

    services: Mapping[str, Incident] = field(default_factory=dict)
    sights: Mapping[str, Incident] = field(default_factory=dict)
    resolved: tuple[Incident, ...] = ()
    waiting: Mapping[str, Seconds] = field(default_factory=dict)
    flaps: int = 0

    def active(self) -> list[Incident]:
        """Those not resolved, in a fixed order."""
        return sorted((*self.services.values(), *self.sights.values()), key=lambda incident: incident.identity)

    def until(self, at: Seconds) -> "Book":
        """The same book with no time in it later than `at`, for a clock that was set back."""
        return Book(
            services={name: incident.until(at) for name, incident in self.services.items()},
            sights={name: incident.until(at) for name, incident in self.sights.items()},
            resolved=tuple(incident.until(at) for incident in self.resolved),
            waiting={name: min(since, at) for name, since in self.waiting.items()},
            flaps=self.flaps,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation's outcome.

    Attributes:
        at: its time.
        findings: of series that could be judged and depart.
        judged: series there is a verdict of, good or bad.
        calm: those of them that are as usual.
        suspects: services of which a series is out of its band, but not held for long enough to be a finding.
        hidden: services that cannot be seen whole now; nothing is concluded from what they lack.
        callees: for each service, those it calls.
        withheld: series of which nothing is said as they could not be read, or too much of what they tell was lost.
    """

    at: Seconds
    findings: tuple[Finding, ...]
    judged: frozenset[SeriesKey]
    calm: frozenset[SeriesKey]
    suspects: frozenset[str]
    hidden: frozenset[str]
    callees: Mapping[str, frozenset[str]]
    withheld: frozenset[SeriesKey] = frozenset()
