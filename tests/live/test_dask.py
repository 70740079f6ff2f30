"""Fits on a real Dask cluster."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.baselines.arrays import ARRAYS
from detector.learning.fitting import CHUNK, fit_each
from detector.learning.pools import Cluster
from detector.model import History
from tests.detector.worlds import BEGIN, DAY, SIGNALS, World
from tests.live.support.processes import Command, free_port, running
from tests.live.support.stack import ROOT

pytestmark = pytest.mark.long

CLI = (sys.executable, "-m", "dask")
HERE = {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, int]]:
    port = free_port()
    arguments = (*CLI, "scheduler", "--host=127.0.0.1", f"--port={port}", "--no-dashboard", "--no-show")
    log = tmp_path / "scheduler.log"
    with running(Command(arguments, log, HERE), lambda: "Scheduler at" in log.read_text()):
        yield f"tcp://127.0.0.1:{port}", port


COPIES = 15


def histories() -> Iterator[History]:
    """Series enough for several tasks: of a single one no cluster is asked."""
    some = World(3, 12).read(BEGIN, BEGIN + 3 * DAY, 600.0)
    assert COPIES * len(some.keys) > 2 * CHUNK
    for copy in range(COPIES):
        yield replace(some, keys=tuple(replace(key, service_name=f"{copy}-{key.service_name}") for key in some.keys))


def test_a_cluster_learns_the_same_as_one_process(scheduler: tuple[str, int], tmp_path: Path) -> None:
    address, _ = scheduler
    log = tmp_path / "worker.log"
    arguments = (*CLI, "worker", address, "--host=127.0.0.1", "--nthreads=2", "--no-dashboard", "--no-nanny")
    command = Command((*arguments, f"--local-directory={tmp_path}"), log, HERE)
    with running(command, lambda: "Registered to" in log.read_text()):
        spread = fit_each(histories(), SIGNALS, 60.0, Cluster(address))
    alone = fit_each(histories(), SIGNALS, 60.0)
    assert spread is not None
    assert alone is not None
    assert spread.keys == alone.keys
    for name in ARRAYS:
        assert np.array_equal(getattr(spread, name), getattr(alone, name), equal_nan=True), name
    assert len(spread.keys) == COPIES * 36


def test_a_cluster_without_workers_is_an_error_that_says_so(scheduler: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="has no workers"):
        fit_each(histories(), SIGNALS, 60.0, Cluster(scheduler[0]))


def test_a_scheduler_that_is_not_there_is_an_error_that_names_it() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(OSError, match=address.removeprefix("tcp://")):
        fit_each(histories(), SIGNALS, 60.0, Cluster(address))
