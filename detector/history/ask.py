"""Asks Prometheus for weeks of all signals, to learn from, a part at a time and giving way to evaluations."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detector.clients.matrix import Grid
from detector.clients.prometheus import BadQueryError, Prometheus, QueryError
from detector.history.ahead import ahead
from detector.history.kept import Kept
from detector.history.pace import Pace
from detector.history.precedence import Precedence
from detector.history.shelf import Counted, Shelf, Spooled
from detector.history.spool import MOST_SERIES, Coarse, Spool
from detector.model import History, Seconds, Signal
from detector.novelty import HOUR
from detector.reader import Reader
from detector.signals import with_window

log = logging.getLogger(__name__)

HISTORIES_AT_ONCE = 2
KEPT_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Manner:
    """How history is asked for.

    Attributes:
        limit: the most series of one signal that are learnt from; the newest are.
        keep: whether it stays on disk, so that the next time only what is new is asked for.
        precedence: what it gives way by.
    """

    limit: int = MOST_SERIES
    keep: bool = False
    precedence: Precedence = field(default_factory=Precedence)


class Histories:
    """Those of all signals, of one detector."""

    def __init__(
        self,
        prometheus: Prometheus,
        signals: Sequence[Signal],
        window: Seconds,
        reader: Reader,
        manner: Manner | None = None,
    ) -> None:
        """`reader` says whose the answers are; `manner` None: none is kept, and it gives way to nobody."""
        self._prometheus = prometheus
        self._signals = {signal.name: signal for signal in signals}
        self._queries = {signal.name: with_window(signal.query, window) for signal in signals}
        self._counts = {signal.name: with_window(signal.counts, window) for signal in signals if signal.counts}
        self._reader = reader
        chosen = Manner() if manner is None else manner
        self._limit, self._keep, self._precedence = chosen.limit, chosen.keep, chosen.precedence
        self._closed = threading.Event()

    def close(self) -> None:
        """Ask for no more history: whoever takes it is told so by an error."""
        self._closed.set()

    def all(self, grid: Grid, folder: Path, recent: Grid | None = None) -> Iterator[History]:
        """All signals over a long time, a few series at a time: one query for each as far as the limits allow.

        Args:
            folder: where what has come lies until it is taken, or for good, on a disk.
            recent: the newest of it at closer steps; None: there is none.

        Raises:
            QueryError: a signal could not be read although it can be asked for, or none can, or this was closed.
            OSError: the folder cannot be used.
        """
        with ExitStack() as files, ThreadPoolExecutor(HISTORIES_AT_ONCE, "history") as executor:
            shelf, bad = Shelf(folder, files, set()), list[BadQueryError]()

            def spooled(signal: str) -> Spooled | None:
                try:
                    return self._spooled(signal, grid, recent, shelf)
                except BadQueryError as error:  # one of its user's, perhaps: it must not cost the others
                    log.warning("history of a signal not read", extra={"signal": signal, "reason": str(error)})
                    bad.append(error)
                    return None

            # While one is learnt from, Prometheus works on the next and the one after it is decoded. Of those that are
            # kept anyway more may wait.
            most = KEPT_AHEAD if self._keep else HISTORIES_AT_ONCE
            for spool in ahead(executor, spooled, self._queries, most, lambda spool: spool is None or spool.is_empty):
                if spool is not None:
                    yield from self._given_way(spool.histories())
                    spool.end()
        if bad and len(bad) == len(self._queries):
            raise bad[0]
        shelf.clear()

    def _spooled(self, signal: str, grid: Grid, recent: Grid | None, shelf: Shelf) -> Spooled:
        part = grid.newest(self._signals[signal].history)
        # What is asked for every few minutes only stays as it was in between.
        near = None if recent is None or self._signals[signal].every else self._counted(signal, recent, shelf)
        return Spooled(self._counted(signal, part, shelf), near)

    def _counted(self, signal: str, grid: Grid, shelf: Shelf) -> Counted:
        counts = self._stored(signal, self._counts[signal], grid, shelf) if signal in self._counts else None
        return Counted(self._stored(signal, self._queries[signal], grid, shelf), counts)

    def _stored(self, signal: str, query: str, grid: Grid, shelf: Shelf) -> Spool | Kept:
        if self._keep and not self._signals[signal].kinds:
            try:
                return self._kept_history(signal, query, grid, shelf)
            except OSError as error:  # as where the disk is full: then it is asked for anew each time
                log.warning("history not kept", extra={"reason": str(error)})
                self._keep = False
                raise
        spool = Spool(shelf.file(), grid, self._limit)
        if self._signals[signal].kinds:  # what is new stays so for an hour
            coarse = Coarse(spool, grid, HOUR)
            self._spool(signal, query, coarse.grid, coarse)
        else:
            self._spool(signal, query, grid, spool)
        return spool

    def _kept_history(self, signal: str, query: str, grid: Grid, shelf: Shelf) -> Kept:
        kept = shelf.kept(signal, f"{query} {self._reader.shard}", grid, self._limit)
        self._spool(signal, query, grid, kept, kept.known)
        kept.commit()
        return kept

    def _spool(self, signal: str, query: str, grid: Grid, spool: Spool | Coarse | Kept, known: int = 0) -> None:
        """Ask for all but the first so many columns that are known, in parts, the newest first."""
        self._give_way()
        began = time.monotonic()
        pace = Pace(len(self._prometheus.query(query, grid.end).labels), time.monotonic() - began)
        left = grid.columns
        while left > known:
            columns = pace.columns(left - known)
            part = Grid(grid.start + (left - columns) * grid.step, grid.step, columns)
            self._give_way(pace.takes(columns))
            began = time.monotonic()
            try:
                matrix = self._prometheus.query_range(query, part, np.float32)
            except QueryError as error:
                if error.reason not in ("transport", "refused") or columns == 1:  # both may be its time-out or ours
                    raise
                pace.failed(columns)
                continue
            pace.answered(columns, len(matrix.labels), time.monotonic() - began)
            self._give_way()
            for _ in range(spool.add(left - columns, self._reader.rows(signal, matrix))):
                self._reader.skip("limit")
            left -= columns

    def _give_way(self, takes: Seconds = 0.0) -> None:
        """Let an evaluation come first, however large history is. Raises QueryError: this was closed."""
        self._precedence.give_way(takes)
        self._be_open()

    def _given_way(self, histories: Iterator[History]) -> Iterator[History]:
        """Histories, each read when there is time for it."""
        self._give_way()
        for history in histories:
            yield history
            self._give_way()

    def _be_open(self) -> None:
        if self._closed.is_set():
            raise QueryError("transport", "the detector ends")
