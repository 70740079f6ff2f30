"""Says whose the series of Prometheus's answers are."""

from collections.abc import Callable, Sequence

from detector.clients.matrix import Matrix
from detector.model import Samples, SeriesKey, Signal
from detector.shard import Shard

Count = Callable[[str], None]


class Reader:
    """Of one detector's part of the services."""

    def __init__(self, signals: Sequence[Signal], skipped: Count = lambda _: None, shard: Shard = Shard()) -> None:
        """`skipped` is told the reason for each series of this shard that cannot be watched."""
        self._calls = frozenset(signal.name for signal in signals if signal.calls)
        self._skipped = skipped
        self.shard = shard

    def wants(self, service_name: str) -> bool:
        """Whether a service is one of this detector's."""
        return self.shard.has(service_name)

    def skip(self, reason: str) -> None:
        """Tell that a series cannot be watched."""
        self._skipped(reason)

    def rows(self, signal: str, matrix: Matrix) -> dict[SeriesKey, Samples]:
        """The series of a signal's answer that this detector watches; the reason is told for each that cannot be."""
        rows: dict[SeriesKey, Samples] = {}
        for labels, row in zip(matrix.labels, matrix.values, strict=True):
            server = labels.get("server", "") if signal in self._calls else ""
            key = SeriesKey(labels.get("service_name", ""), signal, server)
            if not key.service_name:
                self._skipped("no_service_name")
            elif signal in self._calls and not server:
                self._skipped("no_server")
            elif not self.wants(key.service_name):
                continue
            elif key in rows:
                self._skipped("not_one_per_service")
            else:
                rows[key] = row
        return rows
