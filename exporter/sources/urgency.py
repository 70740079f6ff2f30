"""Lets the thread that captures run before other work of a busy machine: a ring overflows while it waits to run."""

import os
import sys
import threading

NICE = -5  # what it may use is bounded by the budget, and 10 ms at once
# A thread that computes keeps others from running Python for so long, and the capture thread more than once a round.
SWITCH_SECONDS = 0.001


def hurry_thread() -> bool:
    """Have the calling thread run before others; return whether that is permitted (CAP_SYS_NICE) and possible here."""
    sys.setswitchinterval(SWITCH_SECONDS)
    if not sys.platform.startswith("linux"):  # elsewhere it is a whole process that has a priority
        return False
    thread = threading.get_native_id()
    try:
        os.setpriority(os.PRIO_PROCESS, thread, min(NICE, os.getpriority(os.PRIO_PROCESS, thread)))
    except OSError:  # it then shares the processors as all threads do
        return False
    return True
