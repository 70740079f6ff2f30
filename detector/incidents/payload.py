"""The alerts of incidents, in the format of Alertmanager's API version 2."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from detector.incidents.explanation import annotations, only
from detector.incidents.incident import Book, Identity, Incident, Phase
from detector.incidents.lifecycle import BLIND
from detector.incidents.links import Places
from detector.model import Alert, Seconds, Signal

EXPIRY_ROUNDS = 4  # three proved too short for Prometheus (issue 5277)


@dataclass(frozen=True, slots=True)
class Sender:
    """What alerts need beside the incidents.

    Attributes:
        signals: by name.
        queries: the signals' PromQL with the window filled in.
        external_labels: added to each alert; they never replace its own.
        places: where people look further.
        round_seconds: the longer of the evaluation and the re-sending interval.
        tell_seconds: how long the end of an incident is told, once it is known.
    """

    signals: Mapping[str, Signal]
    queries: Mapping[str, str]
    external_labels: Mapping[str, str]
    places: Places
    round_seconds: Seconds
    tell_seconds: Seconds

    def alerts(self, book: Book, known_since: Mapping[Identity, Seconds], now: Seconds) -> tuple[Alert, ...]:
        """All alerts to send now: each active incident, and for a while each that ended.

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
        return Alert(
            labels=dict(self.external_labels) | incident.identity.labels(),
            annotations=annotations(incident, self.signals, self.queries, at) | self.places.annotations(incident),
            starts_at=incident.starts_at,
            ends_at=max(ends_at, incident.starts_at),
            generator_url=self._source(incident),
        )

    def _source(self, incident: Incident) -> str:
        identity = incident.identity
        if identity.alertname == BLIND and not identity.instance:
            return self.places.own_health()
        # While it lives, of what leads it now; afterwards of what it is named for.
        key = identity.key
        if incident.phase is not Phase.RESOLVED and incident.findings:
            key = incident.findings[0].key
        known = key.service_name and key.signal in self.queries
        return self.places.graph(only(self.queries[key.signal], key) if known else "up")


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
