"""What Alertmanager is told of the incidents, by its API version 2."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from detector.incidents.explanation import annotations, only_service
from detector.incidents.incident import Book, Identity, Incident, Phase
from detector.model import Alert, Seconds, Signal

RUNBOOKS = "docs/runbooks.md"  # of this project, one section per alert name
EXPIRY_ROUNDS = 4  # three proved too short for Prometheus (issue 5277)


@dataclass(frozen=True, slots=True)
class Sender:
    """What alerts need beside the incidents.

    Attributes:
        signals: by name.
        queries: the signals' PromQL with the window filled in.
        external_labels: added to each alert; they never replace its own.
        graph_url: base URL of the Prometheus that people open.
        round_seconds: the longer of the evaluation and the re-sending interval.
        tell_seconds: how long the end of an incident is told, once it is known.
    """

    signals: Mapping[str, Signal]
    queries: Mapping[str, str]
    external_labels: Mapping[str, str]
    graph_url: str
    round_seconds: Seconds
    tell_seconds: Seconds

    def alerts(self, book: Book, known_since: Mapping[Identity, Seconds], now: Seconds) -> tuple[Alert, ...]:
        """All that has to be told now: each active incident, and for a while each that ended.

        Args:
            known_since: since when the end of each resolved incident is known, which may be long after it.
        """
        active = [self._alert(incident, now, now + EXPIRY_ROUNDS * self.round_seconds) for incident in book.active()]
        firing = {incident.identity for incident in book.active()}
        ended = [
            self._alert(incident, incident.phase_at, incident.phase_at)
            for incident in book.resolved
            if incident.identity not in firing and now - known_since.get(incident.identity, now) <= self.tell_seconds
        ]
        return (*active, *ended)

    def _alert(self, incident: Incident, at: Seconds, ends_at: Seconds) -> Alert:
        identity = incident.identity
        own = {
            "alertname": identity.alertname,
            "severity": str(identity.severity),
            "service_name": identity.service_name,
            "signal": identity.signal,
            "instance": identity.instance,
        }
        return Alert(
            labels=dict(self.external_labels) | {name: value for name, value in own.items() if value},
            annotations={
                **annotations(incident, self.signals, self.queries, at),
                "runbook_url": f"{RUNBOOKS}#{identity.alertname.lower()}",
            },
            starts_at=incident.starts_at,
            ends_at=max(ends_at, incident.starts_at),
            generator_url=self._graph(incident),
        )

    def _graph(self, incident: Incident) -> str:
        signal, service_name = incident.identity.signal, incident.identity.service_name
        if incident.phase is not Phase.RESOLVED and incident.findings:
            signal = incident.findings[0].key.signal
        known = service_name and signal in self.queries
        expression = only_service(self.queries[signal], service_name) if known else "up"
        return f"{self.graph_url}/graph?" + urlencode({"g0.expr": expression, "g0.tab": 0, "g0.range_input": "6h"})


def encode(alerts: Iterable[Alert]) -> bytes:
    """The JSON array to POST."""
    return json.dumps([_object(alert) for alert in alerts], sort_keys=True).encode()


def _object(alert: Alert) -> dict[str, object]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": _timestamp(alert.starts_at),
        "endsAt": _timestamp(alert.ends_at),
        "generatorURL": alert.generator_url,
    }


def _timestamp(at: Seconds) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
