"""Waits for what other processes do."""

import time
from collections.abc import Callable
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
