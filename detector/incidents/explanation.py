"""Says in plain words what an incident is: what was seen, what was expected, what it means and where to look."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isinf, isnan, nan

from detector.incidents.background import BEFORE_SECONDS, Background, Change
from detector.incidents.incident import Incident, Phase
from detector.incidents.lifecycle import BLIND
from detector.model import Finding, Kind, Seconds, Signal
from detector.signals import quoted

MAX_OTHERS = 8  # of each list in an annotation
LEAST_SHOWN_SHARE = 1e-5
LEAST_SEASON = 0.05  # of the level: less is not worth a sentence
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
        "summary": _summary(lead, signal),
        "description": " ".join(_description(incident, known, signals, at)),
        "observed": amount(lead.observed, signal),
        "expected": amount(lead.expected, signal),
        "band": "" if lead.silent else _band(lead, signal),
        "score": f"{lead.score:.2f}",
        "contributors": _list((*known[1:], *incident.affected), signals),
        # Whoever else departs is explained by it, or would have an alert of its own.
        "probable_cause": _brief(lead, signal) if incident.affected else "",
        "query": only_service(queries[signal.name], lead.key.service_name),
        "changes": _changes(_newest(incident.background)),
        "exhausted_at": _clock_or_nothing(_exhausted_at(incident.background)),
    }
    return {name: text for name, text in texts.items() if text}


def only_service(query: str, service_name: str) -> str:
    """PromQL of any form, narrowed to one service."""
    return f'({query}) and on (service_name) label_replace(vector(1), "service_name", "{quoted(service_name)}", "", "")'


def amount(value: float, signal: Signal) -> str:
    """A value as a person writes it, with its unit."""
    if isnan(value):
        return "nothing"
    if isinf(value):
        return "any"
    if signal.kind in (Kind.RATIO, Kind.BOUNDED):
        return f"{value * 100:.3g} %" if abs(value) >= LEAST_SHOWN_SHARE else "0 %"
    if signal.unit == "seconds":
        return _scaled(value, ((1, "s"), (1e-3, "ms"), (1e-6, "us")))
    if signal.unit == "bytes":
        return _scaled(value, ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")))
    figure = _figure(value)
    return f"{figure} {_one(signal.unit) if figure == '1' else signal.unit}"


def bare_amount(value: float, signal: Signal) -> str:
    """The same without a unit that is longer than a few letters: see `unit_shown`."""
    return amount(value, signal) if _is_short(signal) else _figure(value)


def unit_shown(signal: Signal) -> str:
    """What to say once of the unit of amounts that are written without it."""
    return "" if _is_short(signal) else f" ({signal.unit})"


def _is_short(signal: Signal) -> bool:
    return signal.kind in (Kind.RATIO, Kind.BOUNDED) or signal.unit in ("seconds", "bytes")


def _one(unit: str) -> str:
    """Return the unit of one: `requests per second` of one is `request per second`."""
    counted, per, time = unit.partition(" per ")
    ending = "es" if counted.endswith("sses") else "s"
    return counted.removesuffix(ending) + per + time


def _band(finding: Finding, signal: Signal) -> str:
    """What is usual; nothing that is counted, timed or a share can be below zero."""
    lower = finding.lower if signal.kind is Kind.GAUGE else max(finding.lower, 0.0)
    return f"{amount(lower, signal)} to {amount(finding.upper, signal)}"


def _summary(lead: Finding, signal: Signal) -> str:
    name = lead.key.service_name
    if lead.silent:
        usual = f"{amount(lead.expected, signal)} expected"
        return f"{name} is silent: {_label(signal)} {amount(lead.observed, signal)}, {usual}"
    way = "above" if lead.observed > lead.expected else "below"
    return (
        f"{name}: {_label(signal)} {way} normal: {amount(lead.observed, signal)}, "
        f"{amount(lead.expected, signal)} expected"
    )


def _description(incident: Incident, known: list[Finding], signals: Mapping[str, Signal], at: Seconds) -> Iterable[str]:
    lead = known[0]
    signal = signals[lead.key.signal]
    normal = "" if lead.silent else f" and {_band(lead, signal)} is normal at this hour"
    yield (
        f"Since {_clock(incident.starts_at)} ({_span(at - incident.starts_at)}) {_label(signal)} of "
        f"{lead.key.service_name}: {amount(lead.observed, signal)}, where {amount(lead.expected, signal)} is expected"
        f"{normal} (score {lead.score:.2f}; above 1 is anomalous)."
    )
    yield from _parts(lead, signal)
    yield signal.meaning
    yield from _outlook(_exhausted_at(incident.background), at)
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
    if isnan(season) or isnan(left) or abs(season) < max(LEAST_SEASON * abs(lead.trend), signal.floor):
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


def _exhausted_at(background: Background | None) -> Seconds:
    return nan if background is None else background.exhausted_at


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
    return f"{finding.key.service_name} {_label(signal)} {seen} ({usual} expected)"


def _label(signal: Signal) -> str:
    return signal.name.replace("_", " ")


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    size, name = next((unit for unit in units if abs(value) >= unit[0]), units[-1])
    return f"{_figure(value / size)} {name}"


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _clock(at: Seconds) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: Seconds) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
