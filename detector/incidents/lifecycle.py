"""Opens, keeps and ends incidents, one evaluation at a time. Pure: the book in, the book out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from detector.incidents.grouping import may_be_explained_by, ordered, roots
from detector.incidents.incident import Book, Identity, Incident, Phase, Reading
from detector.model import Finding, Seconds, SeriesKey, Severity, Signal

ANOMALY = "LarimarServiceAnomaly"
SILENT = "LarimarServiceSilent"
BLIND = "LarimarBlind"
PROMETHEUS = "prometheus"  # beside the exporters' instances, what may be out of sight


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things take, in seconds.

    Attributes:
        interval: between evaluations.
        recovery: as usual for this long before an incident is resolved; doubled each time it came back.
        wait: the most a finding waits for a suspected cause.
        forget: an incident whose series gives no samples for this long is resolved.
        retire: a service gone for this long is taken for gone for good.
        blind: out of sight for this long, and at two looks in a row, before it is told.
        tell: resolved incidents are told for this long.
        flapping: an incident that comes back within this time is flapping.
    """

    interval: Seconds
    recovery: Seconds
    wait: Seconds
    forget: Seconds = 1800
    retire: Seconds = 86400
    blind: Seconds = 300
    tell: Seconds = 900
    flapping: Seconds = 3600


MAX_DOUBLINGS = 4


def advance(book: Book, reading: Reading, signals: Mapping[str, Signal], rules: Rules) -> Book:
    """The book after one evaluation."""
    current = _by_service(reading, signals, rules)
    hosts = _hosts(book, current, reading, signals)
    attached: dict[str, list[str]] = defaultdict(list)
    for name, host in hosts.items():
        attached[host].append(name)
    kept = {
        name: _continued(incident, current, attached[name], reading, rules) for name, incident in book.services.items()
    }
    fresh = {host: members for host, members in attached.items() if host not in kept}
    waiting = _waiting(book, fresh, current, reading, signals, rules)
    opened = {
        host: _opened(book, host, members, current, reading, signals, rules)
        for host, members in fresh.items()
        if host not in waiting
    }
    incidents = kept | opened
    ended = [incident for incident in incidents.values() if incident.phase is Phase.RESOLVED]
    spared = sum(_spared(book.services[name], incident, rules) for name, incident in kept.items())
    return replace(
        book,
        services={name: incident for name, incident in incidents.items() if incident.phase is not Phase.RESOLVED},
        resolved=_remembered(book.resolved, ended, reading.at, rules),
        waiting=waiting,
        flaps=book.flaps + spared,
    )


def see(book: Book, unseen: Mapping[str, Seconds], at: Seconds, rules: Rules) -> Book:
    """The book after a look at what is out of sight.

    Args:
        unseen: when each instance of the exporter, or PROMETHEUS, was last in sight.
    """
    ended = [_resolved(incident, at) for name, incident in book.sights.items() if name not in unseen]
    kept = {name: incident for name, incident in book.sights.items() if name in unseen}
    # Looked at seldom, what one failed scrape hides was last in sight long ago: two looks in a row must miss it.
    least = max(rules.blind, 2 * rules.interval)
    overdue = {name: since for name, since in unseen.items() if at - since >= least}
    sights = {name: _blind(name, since, at) for name, since in overdue.items()} | kept
    return replace(book, sights=sights, resolved=_remembered(book.resolved, ended, at, rules))


def _by_service(reading: Reading, signals: Mapping[str, Signal], rules: Rules) -> dict[str, tuple[Finding, ...]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in reading.findings:
        gone_for_good = finding.silent and reading.at - finding.since >= rules.retire
        if finding.key.service_name not in reading.hidden and not gone_for_good:
            found[finding.key.service_name].append(finding)
    return {name: ordered(tuple(findings), signals) for name, findings in sorted(found.items())}


def _hosts(
    book: Book, current: Mapping[str, tuple[Finding, ...]], reading: Reading, signals: Mapping[str, Signal]
) -> dict[str, str]:
    """For each service with findings, the service whose incident tells of them.

    An incident that was told of keeps its own findings whatever else turns up: its alert is out already. Who suffered
    from it stays with it while it lives, for they do not recover at the same minute. Else findings join their root's
    incident, or that of another member of their group, unless they began when that was over already.
    """
    known = {name: incident for name, incident in book.services.items() if name not in current}
    joined = {
        finding.key.service_name: host for host, incident in book.services.items() for finding in incident.affected
    }
    found = _found(book, known, current, reading, signals)
    firing = {name: incident for name, incident in known.items() if incident.phase is Phase.FIRING}
    since = _found(book, firing, current, reading, signals)
    hosts = {}
    for name, findings in current.items():
        later = _is_over(book.services.get(found[name]), findings)
        hosts[name] = name if name in book.services else joined.get(name, since[name] if later else found[name])
    return hosts


def _found(
    book: Book,
    known: Mapping[str, Incident],
    current: Mapping[str, tuple[Finding, ...]],
    reading: Reading,
    signals: Mapping[str, Signal],
) -> dict[str, str]:
    """For each service with findings, the host by what is found now and what is `known` of incidents."""
    usable = {
        name: incident.findings
        for name, incident in known.items()
        if incident.findings and _speak(incident.findings, signals)
    }
    cause = roots({**usable, **current}, reading.callees, signals)
    members: dict[str, list[str]] = defaultdict(list)
    for name, root in cause.items():
        members[root].append(name)
    return {name: _host(cause[name], members[cause[name]], book) for name in current}


def _is_over(incident: Incident | None, findings: Iterable[Finding]) -> bool:
    """Whether an incident was over before any of the findings began."""
    if incident is None or incident.phase is Phase.FIRING:
        return False
    return min(finding.since for finding in findings) > incident.phase_at


def _speak(findings: Iterable[Finding], signals: Mapping[str, Signal]) -> bool:
    """Whether their signals are still watched: a restart may have changed the list."""
    return all(finding.key.signal in signals for finding in findings)


def _host(root: str, members: Iterable[str], book: Book) -> str:
    if root in book.services:
        return root
    told = [name for name in members if name in book.services]
    return min(told, key=lambda name: (book.services[name].starts_at, name)) if told else root


def _continued(
    incident: Incident,
    current: Mapping[str, tuple[Finding, ...]],
    attached: Iterable[str],
    reading: Reading,
    rules: Rules,
) -> Incident:
    name = incident.identity.service_name
    affected = _affected(name, attached, current)
    if name in current:
        return replace(
            incident,
            phase=Phase.FIRING,
            phase_at=incident.phase_at if incident.phase is Phase.FIRING else reading.at,
            unjudged_seconds=0.0,
            findings=_lead_first(incident.identity.key, current[name]),
            affected=affected,
        )
    key = incident.identity.key
    if name in reading.hidden or key in reading.withheld:
        return incident
    if key in reading.calm:
        return _calmed(replace(incident, unjudged_seconds=0.0, affected=affected), reading.at, rules)
    if key in reading.judged:
        return replace(incident, unjudged_seconds=0.0)
    lost = replace(incident, unjudged_seconds=incident.unjudged_seconds + rules.interval)
    return _resolved(lost, reading.at) if lost.unjudged_seconds >= rules.forget else lost


def _calmed(incident: Incident, at: Seconds, rules: Rules) -> Incident:
    if incident.phase is Phase.FIRING:
        return replace(incident, phase=Phase.RECOVERING, phase_at=at)
    # Those who waited for it may take a little longer to recover; a second fault of theirs must not hide behind it.
    patience = _hold(incident, rules) * (4 if incident.affected else 1)
    return _resolved(incident, at) if at - incident.phase_at >= patience else incident


def _hold(incident: Incident, rules: Rules) -> Seconds:
    return rules.recovery * 2.0 ** min(incident.reopened, MAX_DOUBLINGS)


def _resolved(incident: Incident, at: Seconds) -> Incident:
    return replace(incident, phase=Phase.RESOLVED, phase_at=at)


def _spared(before: Incident, after: Incident, rules: Rules) -> bool:
    """Whether only the longer hold of a flapping incident kept it from being resolved and told again."""
    came_back = before.phase is Phase.RECOVERING and after.phase is Phase.FIRING
    return came_back and after.phase_at - before.phase_at > rules.recovery


def _affected(name: str, attached: Iterable[str], current: Mapping[str, tuple[Finding, ...]]) -> tuple[Finding, ...]:
    return tuple(current[other][0] for other in sorted(attached) if other != name and other in current)


def _lead_first(key: SeriesKey, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: finding.key != key))


def _waiting(
    book: Book,
    fresh: Mapping[str, list[str]],
    current: Mapping[str, tuple[Finding, ...]],
    reading: Reading,
    signals: Mapping[str, Signal],
    rules: Rules,
) -> dict[str, Seconds]:
    """Those whose cause may be about to show: callers often notice a minute before the callee's own series does."""
    waiting = {}
    for host in fresh:
        causes = may_be_explained_by(host, current[host], reading.callees, signals)
        since = book.waiting.get(host, reading.at)
        if causes & reading.suspects and reading.at - since < rules.wait:
            waiting[host] = since
    return waiting


def _opened(
    book: Book,
    host: str,
    members: Iterable[str],
    current: Mapping[str, tuple[Finding, ...]],
    reading: Reading,
    signals: Mapping[str, Signal],
    rules: Rules,
) -> Incident:
    lead = current[host][0]
    identity = Identity(
        alertname=SILENT if lead.silent else ANOMALY,
        service_name=host,
        signal=lead.key.signal,
        instance="",
        severity=Severity.CRITICAL if lead.silent else signals[lead.key.signal].severity,
        server=lead.key.server,
    )
    return Incident(
        identity=identity,
        starts_at=min(finding.since for finding in current[host]),
        phase=Phase.FIRING,
        phase_at=reading.at,
        unjudged_seconds=0.0,
        reopened=_reopened(book.resolved, host, reading.at, rules),
        findings=current[host],
        affected=_affected(host, members, current),
    )


def _reopened(resolved: Iterable[Incident], name: str, at: Seconds, rules: Rules) -> int:
    earlier = [
        incident.reopened + 1
        for incident in resolved
        if incident.identity.service_name == name and at - incident.phase_at <= rules.flapping
    ]
    return max(earlier, default=0)


def _blind(name: str, since: Seconds, at: Seconds) -> Incident:
    prometheus = name == PROMETHEUS
    identity = Identity(
        alertname=BLIND,
        service_name="",
        signal="prometheus" if prometheus else "exporter",
        instance="" if prometheus else name,
        severity=Severity.WARNING,
    )
    return Incident(identity, since, Phase.FIRING, at, 0.0, 0)


def _remembered(
    resolved: tuple[Incident, ...], ended: Iterable[Incident], at: Seconds, rules: Rules
) -> tuple[Incident, ...]:
    """Ended incidents still to be told of or to be recognised; a newer one takes the place of its like."""
    newer = sorted(ended, key=lambda incident: incident.identity)
    replaced = {incident.identity for incident in newer}
    keep = max(rules.tell, rules.flapping)
    older = [one for one in resolved if one.identity not in replaced and at - one.phase_at <= keep]
    return (*older, *newer)
