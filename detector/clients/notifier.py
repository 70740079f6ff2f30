"""Notifies every Alertmanager, none of them waiting for another.

A batch is always complete, so a newer one replaces one that is not yet delivered: what waits is
never more than one batch for each Alertmanager, and nothing is lost by it.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detector.clients.alertmanager import Alertmanager, DeliveryError
from detector.model import Alert, Seconds

log = logging.getLogger(__name__)

Backoff = Callable[[int], Seconds]


def doubling(failures: int) -> Seconds:
    """One second after the first failure, doubled up to half a minute."""
    return float(min(2 ** (failures - 1), 30))


@dataclass(slots=True)
class Tally:
    """Alerts handed to one Alertmanager since the start, and failed attempts in a row."""

    sent: int = 0
    failed: int = 0
    failing: int = 0


class Notifier:
    """One thread for each Alertmanager."""

    def __init__(self, targets: Sequence[Alertmanager], backoff: Backoff = doubling) -> None:
        self._couriers = tuple(_Courier(target, backoff) for target in targets)

    def send(self, alerts: Sequence[Alert]) -> None:
        """Send these to every Alertmanager; returns at once."""
        for courier in self._couriers:
            courier.send(alerts)

    def settle(self, timeout: Seconds) -> bool:
        """Wait until the last batch was tried everywhere, delivered or not; return whether it was."""
        settled = [courier.settle(timeout) for courier in self._couriers]  # each, even after one that was not
        return all(settled)

    def tallies(self) -> dict[str, Tally]:
        """By Alertmanager's URL."""
        return {courier.url: courier.tally for courier in self._couriers}

    def close(self) -> None:
        """Stop; what was not delivered is sent again by the next detector."""
        for courier in self._couriers:
            courier.close()


class _Courier:
    def __init__(self, target: Alertmanager, backoff: Backoff) -> None:
        self.url = target.url
        self.tally = Tally()
        self._target = target
        self._backoff = backoff
        self._changed = threading.Condition()
        self._batch: tuple[Alert, ...] | None = None
        self._sent = self._tried = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"notify {target.url}", daemon=True)
        self._thread.start()

    def send(self, alerts: Sequence[Alert]) -> None:
        with self._changed:
            self._batch = tuple(alerts)
            self._sent += 1
            self._changed.notify_all()

    def settle(self, timeout: Seconds) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._tried == self._sent, timeout)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=5)  # a post under way ends by its own time-out; the thread is a daemon

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._batch is not None)
                if self._closed:
                    return
                batch, number, self._batch = self._batch or (), self._sent, None
            delivered = self._deliver(batch)
            with self._changed:
                self._tried = number
                if not delivered and self._batch is None:
                    self._batch = batch
                self._changed.notify_all()
                if not delivered:
                    self._changed.wait_for(lambda: self._closed, self._backoff(self.tally.failing))

    def _deliver(self, batch: Sequence[Alert]) -> bool:
        if not batch:
            return True
        try:
            delivery = self._target.post(batch)
        except DeliveryError as error:
            if self._failed(batch) == 1:  # said once, and once more when it is over: the metrics count the rest
                log.warning("alerts not delivered", extra={"alertmanager": self.url, "reason": str(error)})
            return False
        except Exception:  # this thread's only loop: were it to end, nobody would be told of anything any more
            self._failed(batch)
            log.exception("posting failed unexpectedly", extra={"alertmanager": self.url})
            return False
        if self.tally.failing:
            log.info("alerts are delivered again", extra={"alertmanager": self.url, "attempts": self.tally.failing})
        self.tally.sent += delivery.accepted
        self.tally.failed += len(delivery.refused)
        self.tally.failing = 0
        for reason in delivery.refused[:3]:
            log.error("alert refused", extra={"alertmanager": self.url, "reason": reason})
        return True

    def _failed(self, batch: Sequence[Alert]) -> int:
        """Count a failed attempt; how many there were in a row."""
        self.tally.failed += len(batch)
        self.tally.failing += 1
        return self.tally.failing
