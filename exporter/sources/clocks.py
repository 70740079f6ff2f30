"""Asks the clocks of thousands of processes, and tells which of them are to be read; compiled where possible.

See `runtimes` for what the clocks are for.
"""

from collections.abc import Mapping, Set

import cython

if not cython.compiled:
    from exporter.sources.runclock import run_time

UNKNOWN = -1
IDLE_EVERY = 64  # samples between two readings of an idle process, whose memory may be taken without its doing


def processor_times(pids: Set[int]) -> dict[int, int]:
    """Return the run time of each process of this process's own PID namespace; `UNKNOWN` of those that have ended."""
    found = {}
    for pid in pids:
        found[pid] = run_time(pid)
    return found


def ran_since(pids: Set[int], times: Mapping[int, int], seen: Mapping[int, int]) -> dict[int, int]:
    """Return the processes that ran and all unknown, with what their clocks tell now; arguments as for `due`."""
    found = {}
    for pid in pids:
        ran = times.get(pid, UNKNOWN)
        if ran == UNKNOWN or seen.get(pid) != ran:
            found[pid] = ran
    return found


def due(pids: Set[int], times: Mapping[int, int], seen: Mapping[int, int], rounds: int) -> dict[int, int]:
    """Return the processes to be read and their clocks: those that ran, those whose turn it is, and all unknown.

    Args:
        times: what their clocks tell now, in nanoseconds.
        seen: the same when they were read last.
        rounds: how often processes were read before.
    """
    turn, found = rounds % IDLE_EVERY, {}
    for pid in pids:
        ran = times.get(pid, UNKNOWN)
        if seen.get(pid) != ran or pid % IDLE_EVERY == turn:
            found[pid] = ran
    return found
