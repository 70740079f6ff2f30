"""A queue that is nearly always empty or of one item, at the cost of those.

Compiled with the types of `fifo.pxd`. An empty `collections.deque` takes 624 bytes; a connection would need several;
this takes 80, and what more than one item needs is given back once it is empty.
"""

from collections import deque
from typing import Any


class Fifo:
    """First in, first out.

    Args:
        most: beyond so many items the first is dropped; 0 for no bound.
    """

    __slots__ = ("_first", "_most", "_rest", "_size")

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._size = 0
        self._first: Any = None
        self._rest: deque[Any] | None = None

    def __len__(self) -> int:
        return self._size

    def first(self) -> Any:
        """Return the first item, None if there is none."""
        return self._first

    def append(self, item: Any) -> None:
        """Put an item at the end."""
        if self._size == 0:
            self._first = item
        else:
            if self._rest is None:
                self._rest = deque()
            self._rest.append(item)
        self._size += 1
        if 0 < self._most < self._size:
            self.popleft()

    def popleft(self) -> Any:
        """Take the first item out and return it.

        Raises:
            IndexError: there is none.
        """
        if self._size == 0:
            raise IndexError("pop from an empty queue")
        item = self._first
        self._size -= 1
        if self._size and self._rest is not None:
            self._first = self._rest.popleft()
        else:
            self._first = self._rest = None
        return item

    def clear(self) -> None:
        """Take all out."""
        self._size = 0
        self._first = self._rest = None
