"""What was worked out before, known by a hash of what it was worked out from, which may hold what must not be kept."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MISSING = object()


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that remembers up to `most` results of a pure function, but not its arguments.

    Arguments are known by what only this process hashes them to, in 64 bits; they are bytes, mostly.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        results: dict[int, R] = {}

        @wraps(function)
        def recall(*arguments: P.args, **named: P.kwargs) -> R:
            digest = hash(arguments)
            result = results.get(digest, MISSING)
            if result is MISSING:
                if len(results) >= most:
                    results.clear()
                result = results[digest] = function(*arguments, **named)
            return result  # type: ignore[return-value]  # mypy does not narrow by a sentinel

        return recall

    return decorate
