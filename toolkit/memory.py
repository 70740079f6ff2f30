"""Has the C library hold less memory than it would."""

import ctypes
import sys

_M_ARENA_MAX = -8  # malloc.h


def keep_together() -> None:
    """Have all threads take memory from one place, where the C library can; to be called before there are any.

    glibc gives each thread a place of its own, where what it frees stays: some megabytes, for the speed of threads that
    allocate at the same time, which those of Python do not.
    """
    if sys.platform != "linux":
        return
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        adjust(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return freed memory to the system, where the C library can.

    Large arrays that come and go in many sizes leave holes that glibc keeps: after a fit of 100,000 series as much as
    is in use.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if trim is not None:
        trim(0)
