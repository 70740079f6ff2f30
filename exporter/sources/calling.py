"""Follows the system calls of all services: in random windows, or all the time."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from exporter.services.syscalls import CallingStatus, Calls, Syscalls
from exporter.services.windows import Windows
from exporter.sources.callcounts import Counting
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import shown_by

log = logging.getLogger(__name__)

CONTINUOUS_SECONDS = 1.0
NOT_WANTED = "setting"
"""The reason for counting nothing that is no loss."""
UNKNOWN_NUMBERS = "pid_namespace"
"""The reason where it cannot be told which processes of /proc the kernel's numbers mean."""


class Calling:
    """Counts calls in a thread of its own; its other methods may be called from any thread.

    Args:
        counting: the program in the kernel, None where it is not to be had.
        windows: when to look, None for all the time.
        services: returns the service of each process by PID.
        clock: seconds, never falling.
        off: why there is no program.
    """

    def __init__(
        self,
        counting: Counting | None,
        windows: Windows | None,
        services: Callable[[], Mapping[int, str]],
        clock: Callable[[], float],
        off: str = "",
    ) -> None:
        self._counting = counting
        self._windows = windows
        self._services = services
        self._clock = clock
        self._off = off
        self._lock = threading.Lock()
        self._syscalls = Syscalls()

    def run(self, stop: threading.Event) -> None:
        """Count until `stop` is set, or until the kernel refuses it."""
        counting = self._counting
        if counting is None:
            return
        try:
            if self._windows is None:
                self._run_all_the_time(counting, stop)
            else:
                self._run_windows(counting, self._windows, stop)
        except SourceError as error:
            log.warning("system calls no longer counted", extra={"error": str(error)})
            self._off = "failed"
        finally:
            counting.detach()

    def snapshot(self) -> Mapping[str, Mapping[str, Calls]]:
        """Return the calls by service and name."""
        with self._lock:
            return self._syscalls.snapshot()

    def status(self) -> CallingStatus:
        """Return how well calls are seen."""
        if self._counting is None or self._off:
            return CallingStatus(0.0, 0, self._off)
        share = self._windows.share if self._windows is not None else 1.0
        return CallingStatus(share, self._counting.lost, "")

    def close(self) -> None:
        """Give up the program; not while `run` runs."""
        if self._counting is not None:
            self._counting.close()

    def _run_windows(self, counting: Counting, windows: Windows, stop: threading.Event) -> None:
        begun = self._clock()
        while not stop.is_set():
            window = windows.next()
            if stop.wait(max(0.0, begun + window.start - self._clock())):
                return
            counting.attach()
            lasted = self._look(counting, window.seconds, stop)
            counting.detach()
            self._add(counting, windows.scale(window, lasted))
            begun += windows.period
            if self._clock() > begun:  # it was held up: the periods that were missed are not made up for
                begun = self._clock()
            elif stop.wait(max(0.0, begun - self._clock())):
                return

    def _look(self, counting: Counting, seconds: float, stop: threading.Event) -> float:
        """Count for some time; return for how long it really was."""
        counting.switch(True)
        switched_on = self._clock()
        stop.wait(seconds)
        counting.switch(False)
        return self._clock() - switched_on

    def _run_all_the_time(self, counting: Counting, stop: threading.Event) -> None:
        counting.attach()
        counting.switch(True)
        while not stop.wait(CONTINUOUS_SECONDS):
            self._add(counting, 1.0)
        counting.switch(False)
        self._add(counting, 1.0)

    def _add(self, counting: Counting, scale: float) -> None:
        called, services = counting.take(), self._services()
        with self._lock:
            self._syscalls.add(called, scale, services, self._clock())


def open_calling(
    windows: Windows | None,
    services: Callable[[], Mapping[int, str]],
    clock: Callable[[], float],
    proc: Path,
    wanted: bool = True,
) -> Calling:
    """Return what counts calls; where that is not possible or not wanted, it says why and counts nothing.

    Args:
        proc: whose numbers of processes `services` knows.
    """
    if not wanted:
        return Calling(None, windows, services, clock, off=NOT_WANTED)
    try:
        namespace = shown_by(proc)
    except SourceError as error:
        log.warning("system calls not counted", extra={"error": str(error)})
        return Calling(None, windows, services, clock, off=UNKNOWN_NUMBERS)
    try:
        return Calling(Counting(namespace), windows, services, clock)
    except SourceError as error:
        return Calling(None, windows, services, clock, off=_reason(error))


def _reason(error: SourceError) -> str:
    text = str(error)
    if "not permitted" in text or "denied" in text:
        return "permission"
    return "machine" if "not known" in text else "kernel"
