"""Says in plain words what an incident is: what was seen, what was expected, what it means and where to look."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isnan, nan

from detector.incidents.amounts import amount, whole_amount
from detector.incidents.background import BEFORE_SECONDS, Background, Change
from detector.incidents.incident import Incident, Phase
from detector.incidents.lifecycle import BLIND
from detector.model import Finding, Kind, Seconds, SeriesKey, Signal, Way
from detector.signals import quoted

MAX_OTHERS = 8  # of each list in an annotation
LEAST_SEASON = 0.05  # of the level: less is not worth a sentence
BYTES = {"bytes": "", "bytes per second": "/s"}
CHANGED = {
    "executable": "another program",
    "command_line": "another command line",
    "image": "another image",
    "unit": "another unit file",
    "config": "changed configuration",
    "port": "listens on another port",
    "dependency": "calls another service",
    "restart": "restarted",
}

# Of ways to depart that are no matter of being above or below what is expected: in the summary, and in full.
SUMMARIES = {
    Way.RESTLESS: "less steady than normal: {observed} now, {expected} expected",
    Way.STILL: "stands still at {observed}",
    Way.ENDLESS: "goes on for longer than ever: {observed}",
    Way.LATE: "has not begun when it always has by now: {observed}",
}
UNLIKE = {
    Way.RESTLESS: ", where {expected} is expected, and up and down far more than is normal at this hour",
    Way.STILL: ", the same again and again, though it usually moves",
    Way.ENDLESS: "; it has gone on for longer than it ever did before",
    Way.LATE: "; what happens at about this time of each day has not begun",
}


def annotations(
    incident: Incident, signals: Mapping[str, Signal], queries: Mapping[str, str], at: Seconds
) -> dict[str, str]:
    """What a person reads of an incident; `queries` are the signals' PromQL with the window filled in."""
    if incident.identity.alertname == BLIND:
        return _blindness(incident, at)
    known = [finding for finding in incident.findings if finding.key.signal in signals]
    if not known:
        return {"summary": f"{incident.identity.service_name} departs from its usual behaviour."}
    lead = known[0]
    signal = signals[lead.key.signal]
    texts = {
        "summary": _summary(incident.phase, lead, signal) + _end(_exhausted_at(incident)),
        "description": " ".join(_description(incident, known, signals, at)),
        "observed": amount(lead.observed, signal),
        "expected": amount(lead.expected, signal),
        "band": _band(lead, signal) if _has_band(lead) else "",
        "score": f"{lead.score:.2f}",
        "contributors": _list((*known[1:], *incident.affected), signals),
        # Whoever else departs is explained by it, or would have an alert of its own.
        "probable_cause": _brief(lead, signal) if incident.affected else "",
        "query": only(queries[signal.name], lead.key),
        "changes": _changes(_newest(incident.background)),
        "exhausted_at": _clock_or_nothing(_exhausted_at(incident)),
    }
    return {name: text for name, text in texts.items() if text}


def only_service(query: str, service_name: str) -> str:
    """PromQL of any form, narrowed to one service."""
    return f"({query}) and on (service_name) {_labelled('vector(1)', 'service_name', service_name)}"


def only(query: str, key: SeriesKey) -> str:
    """PromQL of a signal, narrowed to one series."""
    if not key.server:
        return only_service(query, key.service_name)
    one = _labelled(_labelled("vector(1)", "service_name", key.service_name), "server", key.server)
    return f"({query}) and on (service_name, server) {one}"


def _labelled(expression: str, name: str, value: str) -> str:
    return f'label_replace({expression}, "{name}", "{quoted(value)}", "", "")'


def _has_band(finding: Finding) -> bool:
    return not finding.silent and (finding.way is Way.AWAY or finding.score < 1.0)


def _band(finding: Finding, signal: Signal) -> str:
    """What is usual; nothing that is counted, timed or a share can be below zero, nor a share above one."""
    lower = finding.lower if signal.kind is Kind.GAUGE else max(finding.lower, 0.0)
    is_share = signal.kind in (Kind.RATIO, Kind.BOUNDED) and finding.observed <= 1.0
    return f"{amount(lower, signal)} to {amount(min(finding.upper, 1.0) if is_share else finding.upper, signal)}"


def _summary(phase: Phase, lead: Finding, signal: Signal) -> str:
    name, what = lead.key.service_name, label(lead.key)
    if phase is not Phase.FIRING:
        return f"{name}: {what} no longer abnormal"
    if lead.silent:
        usual = f"{amount(lead.expected, signal)} expected"
        return f"{name} is silent: {what} {amount(lead.observed, signal)}, {usual}"
    observed, expected = whole_amount(lead.observed, signal), amount(lead.expected, signal)
    if lead.score < 1.0:  # held until it stays so
        return f"{name}: {what} returning to normal: {observed}, {expected} expected"
    if lead.way in SUMMARIES:
        return f"{name}: {what} {SUMMARIES[lead.way].format(observed=observed, expected=expected)}"
    side = "above" if lead.observed > lead.expected else "below"
    return f"{name}: {what} {side} normal: {observed}, {expected} expected"


def _end(exhausted_at: Seconds) -> str:
    return "" if isnan(exhausted_at) else f"; at this pace the limit is reached at {_clock(exhausted_at)}"


def _usual(lead: Finding, signal: Signal) -> str:
    """What it is that the observed value is unlike."""
    expected = amount(lead.expected, signal)
    if lead.way in UNLIKE and lead.score >= 1.0:
        return UNLIKE[lead.way].format(expected=expected)
    if lead.silent:
        return f", where {expected} is expected"
    if lead.score >= 1.0 and lead.lower <= lead.observed <= lead.upper:
        return f", where {expected} is expected; {_band(lead, signal)} is normal for a moment, but not for this long"
    return f", where {expected} is expected and {_band(lead, signal)} is normal at this hour"


def _description(incident: Incident, known: list[Finding], signals: Mapping[str, Signal], at: Seconds) -> Iterable[str]:
    lead = known[0]
    signal = signals[lead.key.signal]
    yield (
        f"Since {_clock(incident.starts_at)} ({_span(at - incident.starts_at)}) {_whole_label(lead.key)}: "
        f"{whole_amount(lead.observed, signal)}{_usual(lead, signal)} "
        f"(score {lead.score:.2f}; above 1 is anomalous)."
    )
    yield from _parts(lead, signal)
    yield signal.meaning
    yield from _outlook(_exhausted_at(incident), at)
    if incident.background is not None:
        changes = _changes(_newest(incident.background))
        within = f"in the {_span(BEFORE_SECONDS)} before this was noticed"
        yield f"What changed {within}: {changes}." if changes else f"Nothing was seen to change {within}."
    if len(known) > 1:
        yield f"Other signals that depart: {_list(known[1:], signals)}."
    if incident.affected:
        yield f"Affected services: {_list(incident.affected, signals)}."
    if incident.phase is not Phase.FIRING:
        yield f"Back to normal since {_clock(incident.phase_at)}."
    yield signal.advice


def _parts(lead: Finding, signal: Signal) -> Iterable[str]:
    """What the expected value is made of, and what is left of the observed one."""
    season, left = lead.expected - lead.trend, lead.observed - lead.expected
    if (
        not _has_band(lead)
        or isnan(season)
        or isnan(left)
        or abs(season) < max(LEAST_SEASON * abs(lead.trend), signal.floor)
    ):
        return
    usual, rest = _difference(season, signal), _difference(left, signal)
    level = amount(lead.trend, signal)
    yield f"Over the week its level is {level}, and at this hour {usual}; {rest} than that is not explained."


def _difference(value: float, signal: Signal) -> str:
    return f"{amount(abs(value), signal)} {'more' if value > 0 else 'less'}"


def _outlook(exhausted_at: Seconds, at: Seconds) -> Iterable[str]:
    if not isnan(exhausted_at):
        left = max(exhausted_at - at, 0.0)
        yield f"At the pace of the last hour the limit is reached in {_span(left)}, at {_clock(exhausted_at)}."


def _exhausted_at(incident: Incident) -> Seconds:
    """When a limit is reached, while something departs."""
    if incident.background is None or incident.phase is not Phase.FIRING:
        return nan
    return incident.background.exhausted_at


def _newest(background: Background | None) -> tuple[Change, ...]:
    return () if background is None else background.changes[-MAX_OTHERS:]


def _changes(changes: Iterable[Change]) -> str:
    together: dict[tuple[str, Seconds], list[str]] = {}
    for change in changes:
        together.setdefault((change.service_name, change.at), []).append(CHANGED.get(change.kind, change.kind))
    return "; ".join(f"{name}: {', '.join(kinds)} at {_clock(at)}" for (name, at), kinds in together.items())


def _clock_or_nothing(at: Seconds) -> str:
    return "" if isnan(at) else _clock(at)


def _blindness(incident: Incident, at: Seconds) -> dict[str, str]:
    since = f"since {_clock(incident.starts_at)} ({_span(at - incident.starts_at)})"
    if not incident.identity.instance:
        return {
            "summary": "Larimar cannot see: Prometheus gives no usable answer",
            "description": f"Prometheus has given no usable answer {since}. Nothing is judged until it does; firing "
            "alerts keep firing. Check whether Prometheus is running, reachable from the detector and not "
            "overloaded.",
        }
    name = incident.identity.instance
    return {
        "summary": f"Larimar cannot see the services at {name}: its exporter gives no metrics",
        "description": f"Prometheus has had no metrics from the exporter at {name} {since}. The services there are not "
        "judged until it does. Check whether the host is up, larimar-exporter runs there, and Prometheus can reach it.",
    }


def _list(findings: Iterable[Finding], signals: Mapping[str, Signal]) -> str:
    known = [finding for finding in findings if finding.key.signal in signals]
    texts = [_brief(finding, signals[finding.key.signal]) for finding in known[:MAX_OTHERS]]
    more = len(known) - len(texts)
    return "; ".join([*texts, f"and {more} more"] if more else texts)


def _brief(finding: Finding, signal: Signal) -> str:
    seen, usual = amount(finding.observed, signal), amount(finding.expected, signal)
    return f"{finding.key.service_name} {label(finding.key)} {seen} ({usual} expected)"


def _whole_label(key: SeriesKey) -> str:
    to = f" to {key.server}" if key.server else ""
    return f"{_signal_label(key)} of {key.service_name}{to}"


def label(key: SeriesKey) -> str:
    """What a series is called in a sentence about its service."""
    return f"{_signal_label(key)} to {key.server}" if key.server else _signal_label(key)


def _signal_label(key: SeriesKey) -> str:
    return key.signal.replace("_", " ")


def _clock(at: Seconds) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: Seconds) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
