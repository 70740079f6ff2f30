"""Waits for what other processes do."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Value = TypeVar("Value")
LOOK_AGAIN_SECONDS = 0.1


def until(condition: Callable[[], Value | None], seconds: float, what: str | Callable[[], str]) -> Value:
    """Return the first true value of `condition`.

    Raises:
        TimeoutError: it gave none within `seconds`; says `what` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(LOOK_AGAIN_SECONDS)
    return value


def looks(lasting: Callable[[], bool], seconds: float) -> Iterator[None]:
    """Yield now and then for as long as `lasting` is true.

    Raises:
        TimeoutError: it lasted more than `seconds`.
    """
    deadline = time.monotonic() + seconds
    while lasting():
        yield
        if time.monotonic() > deadline:
            raise TimeoutError(f"it lasted more than {seconds:g} s")
        time.sleep(LOOK_AGAIN_SECONDS)


def settled(value: Callable[[], Value], lasting_seconds: float, seconds: float) -> Value:
    """Return what `value` gives once it has given the same for so long: nothing more comes.

    Raises:
        TimeoutError: it still changed after `seconds`.
    """
    begun = since = time.monotonic()
    last = value()
    while time.monotonic() - since < lasting_seconds:
        if since - begun > seconds:
            raise TimeoutError(f"after {seconds:g} s it still changes: {last}")
        time.sleep(LOOK_AGAIN_SECONDS)
        if (now := value()) != last:
            last, since = now, time.monotonic()
    return last
