"""Who waits for the lock gets it before the thread that takes it all the time."""

import threading

import pytest

from toolkit.turns import Turns

TAKEN = 50
PATIENCE_SECONDS = 10.0


def test_a_thread_that_takes_it_all_the_time_keeps_nobody_waiting() -> None:
    turns, held, stop, begun = Turns(), [0], threading.Event(), threading.Event()

    def hog() -> None:
        while not stop.is_set():
            with turns.yielding(PATIENCE_SECONDS):
                held[0] += 1
                begun.set()

    thread = threading.Thread(target=hog)
    thread.start()
    begun.wait()
    waits = []
    for _ in range(TAKEN):
        before = held[0]
        with turns:
            waits.append(held[0] - before)
    stop.set()
    thread.join()
    # Between the look at the count and the wait itself the other may run for one switch of threads.
    assert sorted(waits)[TAKEN // 2] <= 2


def test_it_is_given_back_after_an_error() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="once"), turns.yielding(0.0):
        raise ValueError("once")
    with pytest.raises(ValueError, match="twice"), turns:
        raise ValueError("twice")
    with turns:
        pass
