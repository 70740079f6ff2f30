"""Joins the findings of services that call each other, so that one cause gives one incident.

Harm (errors, latency, silence) travels from a callee to those who wait for it; load travels from a caller to those it
asks. A service that fell silent is explained by nothing it calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from detector.model import Finding, Seconds, Signal, Symptom

Evidence = Mapping[str, tuple[Finding, ...]]
"""The findings of each service that departs, the leading one first."""


@dataclass(frozen=True, slots=True)
class _Ailment:
    """What a service's findings say about where their cause is.

    Attributes:
        load: +1, -1 or 0.
        calls: whom the calls go to that all of its harm and load is of; None where some of it is of no calls.
    """

    harm: bool
    silent: bool
    load: int
    rank: tuple[int, Seconds, str]
    calls: frozenset[str] | None

    def concerns(self, callee: str) -> bool:
        """Whether one that it calls may have to do with it."""
        return self.calls is None or callee in self.calls


def ordered(findings: tuple[Finding, ...], signals: Mapping[str, Signal]) -> tuple[Finding, ...]:
    """The findings of one service, the one that should name its incident first."""
    return tuple(sorted(findings, key=lambda finding: (signals[finding.key.signal].priority, finding.key)))


def roots(evidence: Evidence, callees: Mapping[str, frozenset[str]], signals: Mapping[str, Signal]) -> dict[str, str]:
    """For each service that departs, the one whose departure explains it; itself where nothing does."""
    ailments = {name: _ailment(name, findings, signals) for name, findings in evidence.items()}
    explainers = _explainers(ailments, callees)
    return {name: _root(name, explainers, ailments) for name in sorted(ailments)}


def may_be_explained_by(
    name: str,
    findings: tuple[Finding, ...],
    callees: Mapping[str, frozenset[str]],
    signals: Mapping[str, Signal],
) -> frozenset[str]:
    """The services that would explain this one, were they to depart too."""
    ailment = _ailment(name, findings, signals)
    below = callees.get(name, frozenset()) if not ailment.silent and (ailment.harm or ailment.load) else frozenset()
    below = frozenset(callee for callee in below if ailment.concerns(callee))
    comes_from_above = ailment.load and not ailment.harm
    above = frozenset(caller for caller in callees if name in callees[caller]) if comes_from_above else frozenset()
    return (below | above) - {name}


def _ailment(name: str, findings: tuple[Finding, ...], signals: Mapping[str, Signal]) -> _Ailment:
    load = [finding for finding in findings if signals[finding.key.signal].symptom is Symptom.LOAD]
    servers = [one.key.server for one in findings if signals[one.key.signal].symptom is not Symptom.USE]
    return _Ailment(
        harm=any(signals[finding.key.signal].symptom is Symptom.HARM for finding in findings),
        silent=any(finding.silent for finding in findings),
        load=_direction(load[0]) if load else 0,
        rank=(signals[findings[0].key.signal].priority, min(finding.since for finding in findings), name),
        calls=frozenset(servers) if all(servers) else None,
    )


def _direction(finding: Finding) -> int:
    return -1 if isnan(finding.observed) or finding.observed < finding.expected else 1


def _explainers(ailments: Mapping[str, _Ailment], callees: Mapping[str, frozenset[str]]) -> dict[str, set[str]]:
    explainers: dict[str, set[str]] = {name: set() for name in ailments}
    for caller, ailment in ailments.items():
        for callee in (callees.get(caller, frozenset()) & ailments.keys()) - {caller}:
            below = ailments[callee]
            if not ailment.concerns(callee):
                continue
            if (below.harm or below.silent) and not ailment.silent and (ailment.harm or ailment.load):
                explainers[caller].add(callee)
            elif below.load and not below.harm and ailment.load == below.load:
                explainers[callee].add(caller)
    return explainers


def _root(name: str, explainers: Mapping[str, set[str]], ailments: Mapping[str, _Ailment]) -> str:
    """The best end of the explanations; services that explain each other in a circle are all ends of it."""
    reached = {name}
    frontier = [name]
    while frontier:
        for further in explainers[frontier.pop()] - reached:
            reached.add(further)
            frontier.append(further)
    ends = {candidate for candidate in reached if not explainers[candidate]}
    return min(ends or reached, key=lambda candidate: ailments[candidate].rank)
