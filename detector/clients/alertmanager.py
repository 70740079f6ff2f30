"""Posts alerts to an Alertmanager, and reads its silences."""

from collections.abc import Sequence
from dataclasses import dataclass

from detector.clients.endpoint import Answer, Endpoint, TransportError
from detector.clients.silences import SilencesError, read_silences
from detector.incidents.feedback import Silence
from detector.incidents.payload import encode
from detector.model import Alert

BATCH = 256  # as many as Prometheus posts at once


class DeliveryError(Exception):
    """An Alertmanager gave no usable answer: it may have taken some alerts or none; sending all again is safe."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of alerts that were posted: how many were accepted, and why others never will be."""

    accepted: int
    refused: tuple[str, ...]


class Alertmanager:
    """One Alertmanager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def url(self) -> str:
        """Where it is."""
        return self._endpoint.url

    def post(self, alerts: Sequence[Alert]) -> Delivery:
        """Post alerts, however many.

        Raises:
            DeliveryError: no answer, or one that is neither success nor HTTP 400.
        """
        accepted = 0
        refused: list[str] = []
        for first in range(0, len(alerts), BATCH):
            delivery = self._batch(alerts[first : first + BATCH])
            accepted += delivery.accepted
            refused += delivery.refused
        return Delivery(accepted, tuple(refused))

    def silences(self) -> tuple[Silence, ...]:
        """All silences it knows, those that are over included.

        Raises:
            DeliveryError: no usable answer.
        """
        try:
            answer = self._endpoint.get("/api/v2/silences")
            if answer.status != 200:
                raise DeliveryError(f"{self.url}: HTTP {answer.status}: {answer.excerpt()}")
            return read_silences(bytes(answer.body))
        except TransportError as error:
            raise DeliveryError(str(error)) from error
        except SilencesError as error:
            raise DeliveryError(f"{self.url}: {error}") from error

    def _batch(self, alerts: Sequence[Alert]) -> Delivery:
        answer = self._post(alerts)
        if answer.status != 400:
            return Delivery(len(alerts), ())
        if len(alerts) == 1:
            return Delivery(0, (f"{dict(alerts[0].labels)}: {answer.excerpt()}",))
        # It kept the valid ones but does not say which; one by one it does, and what it has already it takes again.
        single = [self._batch([alert]) for alert in alerts]
        return Delivery(sum(one.accepted for one in single), tuple(why for one in single for why in one.refused))

    def _post(self, alerts: Sequence[Alert]) -> Answer:
        try:
            answer = self._endpoint.post_json("/api/v2/alerts", encode(alerts))
        except TransportError as error:
            raise DeliveryError(str(error)) from error
        if answer.status not in (200, 202, 204, 400):
            raise DeliveryError(f"{self.url}: HTTP {answer.status}: {answer.excerpt()}")
        return answer
