"""The small web application of `upstream` as a process of its own, for what stands in front of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.stack import ROOT


@contextmanager
def application(folder: Path) -> Iterator[int]:
    """Run it and give its port."""
    port = free_port()
    command = Command(
        (sys.executable, "-m", "tests.live.support.upstream", str(port)),
        folder / "application.log",
        {"PYTHONPATH": str(ROOT)},
    )
    with running(command, lambda: accepts(port)):
        yield port
