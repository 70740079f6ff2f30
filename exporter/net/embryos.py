"""Connections without payload, in the order of their SYNs: a flood of SYNs pushes out itself, not the established.

Compiled with the types of `embryos.pxd`.
"""

import cython

from exporter.net.table import FlowTable, words

if not cython.compiled:
    from exporter.net.layout import EMBRYONIC, STATE, WORDS


class Embryos:
    """A queue of at most half of the table's slots; those that have come to more since are passed over."""

    def __init__(self, table: FlowTable) -> None:
        self.table = table
        self.slots = table.slots
        self.queue = words(max(1, table.capacity // 2))
        self.front = self.back = 0

    def crowded(self) -> bool:
        """Return whether the first must go before another comes: the queue is full, or the table."""
        waiting = self.back - self.front
        return waiting >= len(self.queue) or (waiting > 0 and self.table.used >= self.table.capacity)

    def add(self, slot: int) -> None:
        """Put a slot at the end."""
        self.queue[self.back % len(self.queue)] = slot
        self.back += 1

    def first(self) -> int:
        """Take the first out and return its slot, -1 if it has come to more or is gone."""
        slot = self.queue[self.front % len(self.queue)]
        self.front += 1
        if self.table.taken(slot) and self.slots[slot * WORDS + STATE] & EMBRYONIC:
            return slot
        return -1
