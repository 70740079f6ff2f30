"""Child processes with their output in a file, ended by their PID."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.live.support.waiting import until

READY_SECONDS = 60.0
END_SECONDS = 20.0


def free_port() -> int:
    """Return a TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Return whether somebody accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, slots=True)
class Command:
    """How a process is started.

    Attributes:
        arguments: program and arguments.
        log: where its output goes.
        environment: added to this process's own.
        user: who runs it, by number; None for who runs the tests.
        ends_by: the signal that it ends by in good order.
    """

    arguments: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    ends_by: signal.Signals = signal.SIGTERM


class Child:
    """A running process that can be ended and started again."""

    def __init__(self, command: Command, ready: Callable[[], object]) -> None:
        self._command = command
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its number; raises RuntimeError where it does not run."""
        if self._process is None:
            raise RuntimeError(f"{self._command.arguments[0]} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = self._command
        with command.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(argument) for argument in command.arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **command.environment},
                user=command.user,
                group=command.user,
                extra_groups=None if command.user is None else [],
                start_new_session=True,
            )
        until(self._up, READY_SECONDS, lambda: f"{command.arguments[0]} is not ready:\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of its output."""
        return self._command.log.read_text(errors="replace")[-3000:]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self, by: signal.Signals | None = None) -> None:
        """End it and wait for that; killed if it does not go."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(by or self._command.ends_by)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_SECONDS)
        self._process = None

    def _up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._command.arguments[0]} ended at once:\n{self.tail()}")
        return bool(self._ready())


@contextmanager
def running(command: Command, ready: Callable[[], object]) -> Iterator[Child]:
    """Start a process, wait until it is ready, and end it at the end."""
    child = Child(command, ready)
    try:
        child.start()
        yield child
    finally:
        child.end()
