"""The clock of the processor time that a process has used; `runclock.pxd` has the twin that compiled modules use."""

import time

ENDED = -1
_SCHEDULER = 2  # CPUCLOCK_SCHED, include/linux/posix-timers.h


def run_time(pid: int) -> int:
    """Return how long a process of this process's own PID namespace has run, in nanoseconds; `ENDED` if it has."""
    try:
        return time.clock_gettime_ns(~pid << 3 | _SCHEDULER)
    except OSError:
        return ENDED
