"""Has the C library hold less memory than it would."""

import ctypes
import sys

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # malloc.h
LARGE_BYTES = 1 << 20


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


def keep_apart() -> None:
    """Have large arrays given back to the system as soon as they are freed, where the C library can.

    glibc does so at first, but after having freed one takes the next of up to 32 MB from where all else is, too, where
    what is kept for longer comes to lie between them.
    """
    if sys.platform != "linux":
        return
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None:
        adjust(_M_MMAP_THRESHOLD, LARGE_BYTES)


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
