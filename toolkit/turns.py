"""A lock of which the thread that takes it most often lets those who wait go first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType


class Turns:
    """Who waits for it is next, except that `yielding` waits for that no longer than it says.

    A plain lock goes to whoever runs first: on a busy machine a thread that waits for it hardly runs between two holds
    of one that takes it every few milliseconds.
    """

    def __init__(self) -> None:
        self._next = threading.Lock()  # held by who is next
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._next:
            self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    @contextmanager
    def yielding(self, patience_seconds: float) -> Iterator[None]:
        """Hold it once those who wait had it, or have not come to it for so long."""
        is_next = self._next.acquire(timeout=patience_seconds)
        try:
            self._lock.acquire()
        finally:
            if is_next:
                self._next.release()
        try:
            yield
        finally:
            self._lock.release()
