"""Gives memory that is no longer needed back to the system."""

import ctypes
import sys


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
