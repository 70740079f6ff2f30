"""Signals that recording rules have worked out already are read, where there are such rules: see `rules`."""

import logging
from collections.abc import Mapping, Sequence

from detector.clients.matrix import Grid, Matrix
from detector.clients.prometheus import Prometheus, QueryError
from detector.model import Seconds
from detector.rules import Rule

log = logging.getLogger(__name__)

EXISTING = 'count by (__name__) ({__name__=~"larimar:signal(_events)?:.+"})'
LOOK_SECONDS = 600.0  # between looks for which there are
OWN_LABELS = frozenset({"__name__", "service_name", "client", "server"})


class Recorded:
    """Knows which of the rules' series there are, and reads them."""

    def __init__(self, prometheus: Prometheus, rules: Sequence[Rule]) -> None:
        """`rules` are those that there may be."""
        self._prometheus = prometheus
        self._names: Mapping[str, str] = {rule.expression: rule.record for rule in rules}
        self._there: frozenset[str] = frozenset()
        self._looked_at = -LOOK_SECONDS

    def is_due(self, at: Seconds) -> bool:
        """Whether to look again which there are."""
        return abs(at - self._looked_at) >= LOOK_SECONDS  # also after the clock was set back

    def look(self, at: Seconds) -> None:
        """Find out which there are; what cannot be found out stays as it is known until the next time."""
        self._looked_at = at
        try:
            found = self._prometheus.query(EXISTING, at)
        except QueryError as error:
            log.info("recorded series not looked for", extra={"reason": str(error)})
            return
        there = frozenset(labels.get("__name__", "") for labels in found.labels) & frozenset(self._names.values())
        if there != self._there:
            log.info("recorded series found", extra={"series": len(there)})
        self._there = there

    def read(self, expression: str, grid: Grid) -> Matrix | None:
        """What a rule made of an expression at the newest time; None where it is to be worked out from the beginning.

        As it is where there is no such series now, or where it has labels that the expression would not have, as of
        several servers whose series are joined. What is older may be from before there was a rule.

        Raises:
            QueryError: it could not be asked for.
        """
        name = self._names.get(expression, "")
        if grid.columns > 1 or name not in self._there:
            return None
        matrix = self._prometheus.query(name, grid.start)
        return matrix if matrix.labels and all(labels.keys() <= OWN_LABELS for labels in matrix.labels) else None
