"""Which processes ran, by their clocks."""

import os
import subprocess
import sys
from collections.abc import Mapping, Set
from pathlib import Path

from exporter.sources.clocks import UNKNOWN
from exporter.sources.runtimes import Remembered, no_times, run_times

WORKER = "import sys\nfor line in sys.stdin: print(sum(range(100_000)), flush=True)"


def test_the_clock_of_a_process_moves_when_it_runs_and_not_while_it_waits() -> None:
    times = run_times(Path("/proc"))
    with subprocess.Popen((sys.executable, "-c", WORKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        process.stdout.readline()
        told = [times({process.pid})[process.pid] for _ in range(1000)]
        process.stdin.write(b"go\n")
        process.stdin.flush()
        process.stdout.readline()
        after = times({process.pid})[process.pid]
        process.kill()

    assert told[-1] > 0
    assert told[-1] == told[-100], "it waits"
    assert after - told[-1] > 100_000
    assert times({process.pid})[process.pid] == UNKNOWN


def test_nothing_is_known_of_the_processes_of_another_folder(tmp_path: Path) -> None:
    assert run_times(tmp_path) is no_times
    assert no_times({os.getpid()}) == {}


def test_where_clocks_are_not_told_nothing_is_known() -> None:
    assert run_times(Path("/proc"), lambda pids: dict.fromkeys(pids, UNKNOWN)) is no_times
    assert (
        run_times(Path("/proc"), lambda pids: {pid: 7 if pid == os.getpid() else UNKNOWN for pid in pids}) is no_times
    )


def test_what_was_asked_once_is_remembered_until_it_is_to_be_forgotten() -> None:
    asked: list[Set[int]] = []

    def times(pids: Set[int]) -> Mapping[int, int]:
        asked.append(pids)
        return dict.fromkeys(pids, len(asked))

    remembered = Remembered(times)
    assert remembered({1, 2}) == {1: 1, 2: 1}
    assert remembered({2, 3}) == {1: 1, 2: 1, 3: 2}
    remembered.forget()
    assert remembered({2}) == {2: 3}
    assert asked == [{1, 2}, {3}, {2}]
