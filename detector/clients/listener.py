"""Reads the Alertmanagers' silences, beside the evaluations."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from detector.clients.alertmanager import Alertmanager, DeliveryError
from detector.incidents.feedback import Silence

log = logging.getLogger(__name__)


class Listener:
    """One round at a time; what one Alertmanager does not tell, its peers do."""

    def __init__(self, targets: Sequence[Alertmanager], executor: Executor, failed: Callable[[], None]) -> None:
        """`failed` is called for each Alertmanager that gave no answer."""
        self._targets = tuple(targets)
        self._executor = executor
        self._failed = failed
        self._asked: Future[tuple[Silence, ...]] | None = None
        self._mute: set[str] = set()

    def ask(self) -> None:
        """Begin a round unless one is under way."""
        if self._asked is None and self._targets:
            self._asked = self._executor.submit(self._round)

    def take(self) -> tuple[Silence, ...]:
        """The silences of a round that has ended since the last call; none where there was none."""
        if self._asked is None or not self._asked.done():
            return ()
        ended, self._asked = self._asked, None
        return ended.result()

    def _round(self) -> tuple[Silence, ...]:
        return tuple(silence for target in self._targets for silence in self._silences(target))

    def _silences(self, target: Alertmanager) -> tuple[Silence, ...]:
        try:
            silences = target.silences()
        except DeliveryError as error:
            self._failed()
            if target.url not in self._mute:  # said once: the metric counts the rest
                log.warning("silences not read", extra={"alertmanager": target.url, "reason": str(error)})
            self._mute.add(target.url)
            return ()
        self._mute.discard(target.url)
        return silences
