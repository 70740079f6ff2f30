"""The capture thread runs before others where that is permitted, and the other threads as before."""

import os
import sys
import threading

import pytest

from exporter.sources.urgency import NICE, hurry_thread


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have priorities of their own on Linux only")
def test_only_the_calling_thread_is_hurried() -> None:
    interval, found = sys.getswitchinterval(), []

    def hurry() -> None:
        hurried = hurry_thread()
        found.append((hurried, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=hurry)
    thread.start()
    thread.join()
    sys.setswitchinterval(interval)
    [(hurried, priority)] = found
    assert (priority <= NICE) == hurried or before <= NICE
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
