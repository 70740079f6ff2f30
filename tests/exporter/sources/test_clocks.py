"""The clocks of processes, asked in C where that is possible, and who is to be read by them."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.clocks import UNKNOWN, due, processor_times, ran_since
from exporter.sources.runclock import run_time

IDLE_EVERY = 64  # as it says; where it is compiled it has no name
PIDS = st.sets(st.integers(1, 200))
CLOCKS = st.dictionaries(st.integers(1, 200), st.integers(UNKNOWN, 3))


def test_the_clock_is_the_one_that_python_tells() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        before = run_time(process.pid)
        told = processor_times({process.pid})[process.pid]
        after = run_time(process.pid)
        process.kill()
    assert 0 <= before <= told <= after
    assert processor_times({process.pid}) == {process.pid: UNKNOWN} == {process.pid: run_time(process.pid)}


@given(PIDS, CLOCKS, CLOCKS)
def test_who_ran_is_who_has_another_clock_or_none(pids: set[int], times: dict[int, int], seen: dict[int, int]) -> None:
    found = ran_since(pids, times, seen)
    assert found == {
        pid: times.get(pid, UNKNOWN)
        for pid in pids
        if times.get(pid, UNKNOWN) == UNKNOWN or times[pid] != seen.get(pid)
    }


@given(PIDS, CLOCKS, CLOCKS, st.integers(0, 1000))
def test_the_idle_are_due_once_in_a_while(
    pids: set[int], times: dict[int, int], seen: dict[int, int], rounds: int
) -> None:
    found = due(pids, times, seen, rounds)
    assert found == {
        pid: times.get(pid, UNKNOWN)
        for pid in pids
        if seen.get(pid) != times.get(pid, UNKNOWN) or pid % IDLE_EVERY == rounds % IDLE_EVERY
    }
