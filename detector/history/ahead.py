"""Does work ahead of whoever takes its outcomes, in their order, and not too far."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TypeVar

Name = TypeVar("Name")
Outcome = TypeVar("Outcome")


def ahead(
    executor: Executor,
    work: Callable[[Name], Outcome],
    names: Iterable[Name],
    most: int,
    is_nothing: Callable[[Outcome], bool],
) -> Iterator[Outcome]:
    """Yield what becomes of each name, in their order; raises what `work` raises.

    Args:
        most: how many outcomes at most are under way or wait beside the one taken.
        is_nothing: whether an outcome takes no room; however many of these may wait for a slow one before them, so that
            the executor is not idle meanwhile.
    """
    left, waiting = iter(names), deque[Future[Outcome]]()
    while True:
        while sum(not (each.done() and _is_nothing(each, is_nothing)) for each in waiting) <= most:
            try:
                waiting.append(executor.submit(work, next(left)))
            except StopIteration:
                break
        if not waiting:
            return
        if not waiting[0].done():
            wait([each for each in waiting if not each.done()], return_when=FIRST_COMPLETED)
        else:
            yield waiting.popleft().result()


def _is_nothing(future: Future[Outcome], is_nothing: Callable[[Outcome], bool]) -> bool:
    return future.exception() is None and is_nothing(future.result())
