"""Child processes: started, watched and stopped together, with all of their own children."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from quickstart.stack import Program

_KEPT_LINES = 20
_LOG_BYTES = 5 << 20
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Child:
    """One running program; its output goes to a bounded log file, its last lines are remembered."""

    def __init__(self, program: Program, log: Path, environ: Mapping[str, str]) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only whoever started it.

        Raises:
            OSError: it cannot be run.
        """
        self.program = program
        self.log = log
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process = subprocess.Popen(
            program.command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_with_parent(),  # noqa: PLW1509  # no other thread holds a lock that it needs
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def status(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def last_lines(self) -> Sequence[str]:
        """Return the last lines of its output; complete once it has ended."""
        if self.status is not None:
            self._reader.join(timeout=1)
        return list(self._lines)

    def end(self) -> None:
        """Ask it to stop."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for its end; then kill whatever is left of its session."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, seconds))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=1)

    def _read(self, output: IO[bytes]) -> None:
        file = RotatingFileHandler(self.log, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
        with contextlib.closing(file), output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip("\n")
                self._lines.append(line)
                file.emit(logging.makeLogRecord({"msg": line}))


def end_all(children: Sequence[Child], seconds: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
    """End every child; those that take longer than `seconds` altogether are killed."""
    for child in children:
        child.end()
    deadline = clock() + seconds
    for child in children:
        child.wait(deadline - clock())


def _with_parent() -> Callable[[], None]:
    """Return what makes a new process end with its parent, even where that is killed; loaded before the fork."""
    prctl = ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    return bind
