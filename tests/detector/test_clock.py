import threading

from detector.clock import SystemClock, floor_to


def test_waiting_ends_when_the_time_has_come() -> None:
    times = iter([0.0, 5.0, 11.0])
    assert SystemClock(threading.Event(), lambda: next(times), 0.0).wait_until(10.0)


def test_waiting_ends_when_the_clock_was_set_back() -> None:
    times = iter([1000.0, 1001.0, 10.0])  # a fourth look would be one too many
    assert SystemClock(threading.Event(), lambda: next(times), 0.0).wait_until(1010.0)


def test_a_clock_that_is_corrected_by_little_is_waited_for() -> None:
    times = iter([1000.0, 999.8, 1010.0])
    assert SystemClock(threading.Event(), lambda: next(times), 0.0).wait_until(1010.0)


def test_told_to_stop_it_waits_no_longer() -> None:
    stop = threading.Event()
    stop.set()
    assert not SystemClock(stop).wait_until(1e12)
    assert not SystemClock(stop).wait_until(0.0)


def test_the_grid_is_the_same_for_everyone() -> None:
    assert floor_to(119.9, 60.0) == floor_to(60.0, 60.0) == 60.0
