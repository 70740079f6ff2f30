"""The flow table: a fixed number of slots in flat arrays, found by hash; no Python object per flow.

Compiled with the types of `table.pxd`. A slot is `WORDS` unsigned 64-bit words, one cache line, beside `COLD_WORDS`
rarely needed ones. Its key are both addresses in ascending order of (address, port), so that the two directions of a
flow meet, ports and protocol. The index is open addressing with linear probing at a load of at most one half, holds
each key's hash so that a slot is touched only where it is very likely the right one, and removal shifts entries back,
so it needs no tombstones. Memory is reserved once and taken only as slots are first used.
"""

import mmap
from contextlib import suppress

import cython

from exporter.net.frames import Frame

if not cython.compiled:
    from exporter.net.layout import (
        ADDRESSES,
        CLOSED,
        COLD_WORDS,
        HALF,
        IPV6_KEY,
        KEY,
        PORTS,
        SEEN,
        STATE,
        TOKEN,
        WORDS,
    )
    from exporter.net.octets import prefetch

MAX_PROBES = 128  # entries looked at for one key: bounds what chosen collisions can cost
# A literal of 2^31 or more would become a Python object; a typed global does not.
MULTIPLIER = 0x9E3779B1  # 2^32 divided by the golden ratio, made odd
CANDIDATES = 16  # slots compared for eviction
MAPPED_PREFIX = 0xFFFF  # of the lower half of an IPv4-mapped address
HUGE_BYTES = 4 << 20  # two huge pages: in less the last one would waste too much


def words(count: int) -> memoryview:
    """Return `count` unsigned 64-bit zeros in pages that take memory only once they are written."""
    memory = mmap.mmap(-1, count * 8, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if count * 8 >= HUGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without them: address translation then costs more at many flows
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory).cast("Q")


class FlowTable:
    """Slots by key. The caller keeps `slots` words up to date; the table only keys, the hash and the free slots.

    Attributes:
        slots: shape (capacity * WORDS,), unsigned 64-bit; `cold` likewise (capacity * COLD_WORDS,).
        used: slots taken.
        misplaced: slots that were freed without being found in the index, which never happens.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        """Reserve `capacity` slots; `seed` (32 bits) keeps others from choosing keys that collide."""
        if capacity < 1:
            raise ValueError(f"a flow table of {capacity} flows")
        self.capacity = capacity
        size = 1 << (2 * capacity - 1).bit_length()
        self.mask = size - 1
        self.index = words(size)  # hash << 32 | slot + 1; 0 is empty
        self.slots = words(capacity * WORDS)
        self.cold = words(capacity * COLD_WORDS)
        self.seed = seed & HALF
        self.used = self.fresh = self.free = self.hand = 0
        self.misplaced = 0

    def prepare(self, frame: Frame) -> None:
        """Set the key of the frame's flow and have its place in the index fetched; `find` may then come later.

        At many flows the memory is what takes the time, so that of several packets is fetched at once.
        """
        self._key(frame)
        prefetch(self.index, frame.hash & self.mask)

    def approach(self, frame: Frame) -> None:
        """Have the slot fetched that the frame's flow most likely has."""
        entry = self.index[frame.hash & self.mask]
        if entry and entry >> 32 == frame.hash:  # an empty entry looks like a hash of 0
            slot = (entry & HALF) - 1
            prefetch(self.slots, slot * WORDS)
            prefetch(self.cold, slot * COLD_WORDS + TOKEN)

    def find(self, frame: Frame) -> int:
        """Return the slot of a prepared frame's flow, or -1."""
        place = frame.hash & self.mask
        probes = 0
        while probes < MAX_PROBES:
            entry = self.index[place]
            if entry == 0:
                return -1
            if entry >> 32 == frame.hash:
                slot = (entry & HALF) - 1
                if self._same(frame, slot):
                    return slot
            place = (place + 1) & self.mask
            probes += 1
        return -1

    def insert(self, frame: Frame) -> int:
        """Take a slot for a prepared frame's flow, which has none; return it cleared, or -1 where there is no room.

        `victim` then names the flow whose removal makes room.
        """
        place = frame.hash & self.mask
        probes = 0
        while self.index[place]:
            place = (place + 1) & self.mask
            probes += 1
            if probes == MAX_PROBES:
                return -1
        slot = self._take()
        if slot < 0:
            return -1
        self.index[place] = frame.hash << 32 | (slot + 1)
        self._clear(frame, slot)
        self.used += 1
        return slot

    def remove(self, slot: int) -> None:
        """Free a slot that is taken."""
        own = self.slots[slot * WORDS + STATE] >> 32 << 32 | (slot + 1)
        place = (own >> 32) & self.mask
        probes = 0
        while self.index[place] != own and probes < MAX_PROBES:
            place = (place + 1) & self.mask
            probes += 1
        if self.index[place] == own:
            self._close_up(place)
        else:  # whatever wrote over the slot or the index: without its place it is found no more, and no loop hangs
            self.misplaced += 1
        self.slots[slot * WORDS + KEY] = self.free
        self.slots[slot * WORDS + PORTS] = 0
        self.free = slot + 1
        self.used -= 1

    def victim(self, frame: Frame) -> int:
        """Return the slot to give up for a frame's flow: a closed one, else the longest unseen of a few."""
        if self.used < self.capacity:  # the key's neighbourhood in the index is crowded, not the table
            return (self.index[frame.hash & self.mask] & HALF) - 1
        best = -1
        oldest = 0
        for _ in range(CANDIDATES):
            self.hand = self.hand + 1 if self.hand + 1 < self.capacity else 0
            base = self.hand * WORDS
            if self.slots[base + STATE] & CLOSED:
                return self.hand
            seen = self.slots[base + SEEN]
            if best < 0 or seen < oldest:
                best = self.hand
                oldest = seen
        return best

    def taken(self, slot: int) -> bool:
        """Return whether the slot holds a flow."""
        return slot < self.fresh and self.slots[slot * WORDS + PORTS] != 0

    def _take(self) -> int:
        if self.free:
            slot = self.free - 1
            self.free = self.slots[slot * WORDS + KEY]
            return slot
        if self.fresh < self.capacity:
            self.fresh += 1
            return self.fresh - 1
        return -1

    def _close_up(self, hole: int) -> None:
        """Empty an index entry and move up those behind it that would no longer be found."""
        place = hole
        for _ in range(self.mask):
            place = (place + 1) & self.mask
            entry = self.index[place]
            if entry == 0:
                break
            home = (entry >> 32) & self.mask
            if ((place - home) & self.mask) >= ((place - hole) & self.mask):
                self.index[hole] = entry
                hole = place
        self.index[hole] = 0

    def _same(self, frame: Frame, slot: int) -> bool:
        base = slot * WORDS
        if self.slots[base + KEY] != frame.key or self.slots[base + PORTS] != frame.ports:
            return False
        if not frame.ports & IPV6_KEY:
            return True
        base = slot * COLD_WORDS + ADDRESSES
        return (
            self.cold[base] == frame.low_high
            and self.cold[base + 1] == frame.low_low
            and self.cold[base + 2] == frame.high_high
            and self.cold[base + 3] == frame.high_low
        )

    def _clear(self, frame: Frame, slot: int) -> None:
        """Begin a slot with a frame's key."""
        base = slot * WORDS
        for word in range(STATE, WORDS):
            self.slots[base + word] = 0
        self.slots[base + KEY] = frame.key
        self.slots[base + PORTS] = frame.ports
        self.slots[base + STATE] = frame.hash << 32
        base = slot * COLD_WORDS
        for word in range(COLD_WORDS):
            self.cold[base + word] = 0
        if frame.ports & IPV6_KEY:
            self.cold[base + ADDRESSES] = frame.low_high
            self.cold[base + ADDRESSES + 1] = frame.low_low
            self.cold[base + ADDRESSES + 2] = frame.high_high
            self.cold[base + ADDRESSES + 3] = frame.high_low

    def _key(self, frame: Frame) -> None:
        source_low, target_low = frame.source_low, frame.target_low
        if (
            frame.source_high | frame.target_high
            or source_low >> 32 != MAPPED_PREFIX
            or target_low >> 32 != MAPPED_PREFIX
        ):
            self._long_key(frame)
            return
        # Without a branch: which of the two comes first, no processor can foretell.
        source = (source_low & HALF) << 16 | frame.source_port
        target = (target_low & HALF) << 16 | frame.target_port
        earlier = min(source, target)
        later = max(source, target)
        frame.side = int(source > target)
        frame.key = earlier >> 16 << 32 | later >> 16
        ports = (earlier & 0xFFFF) << 16 | later & 0xFFFF
        mixed = self._mix(self._mix(self.seed ^ earlier >> 16) ^ later >> 16)
        mixed = self._mix(mixed ^ ports)
        frame.hash = (mixed ^ mixed >> 32) & HALF
        frame.ports = ports << 8 | frame.protocol

    def _long_key(self, frame: Frame) -> None:
        """Take the key of a flow whose addresses do not fit one word."""
        later = frame.source_high > frame.target_high
        if frame.source_high == frame.target_high:
            later = frame.source_low > frame.target_low
            if frame.source_low == frame.target_low:
                later = frame.source_port > frame.target_port
        frame.side = int(later)
        if later:
            frame.low_high, frame.low_low = frame.target_high, frame.target_low
            frame.high_high, frame.high_low = frame.source_high, frame.source_low
            ports = frame.target_port << 16 | frame.source_port
        else:
            frame.low_high, frame.low_low = frame.source_high, frame.source_low
            frame.high_high, frame.high_low = frame.target_high, frame.target_low
            ports = frame.source_port << 16 | frame.target_port
        frame.key = frame.low_high ^ frame.low_low ^ frame.high_low
        frame.ports = IPV6_KEY | ports << 8 | frame.protocol
        # Each half by itself: what is folded before it meets the seed, others could make collide.
        mixed = self._mix_both(self.seed, frame.low_high)
        mixed = self._mix_both(mixed, frame.low_low)
        mixed = self._mix_both(mixed, frame.high_high)
        mixed = self._mix(self._mix_both(mixed, frame.high_low) ^ ports)
        frame.hash = (mixed ^ mixed >> 32) & HALF

    def _mix_both(self, value: int, word: int) -> int:
        return self._mix(self._mix(value ^ (word & HALF)) ^ word >> 32)

    def _mix(self, value: int) -> int:
        """Fold 64 bits to 32 and multiply, which stays below 2^64."""
        return ((value ^ value >> 29) & HALF) * MULTIPLIER
