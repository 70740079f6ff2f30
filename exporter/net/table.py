"""The flow table: a fixed number of slots in one flat array, found by hash; no Python object per flow.

Compiled with the types of `table.pxd`. A slot is `WORDS` unsigned 64-bit words; its first five are the key: both
addresses in ascending order of (address, port), so that the two directions of a flow meet, then ports and protocol.
The index is open addressing with linear probing at a load of at most one half, and removal shifts entries back, so
it needs no tombstones. Memory is reserved once and touched only as slots are first used.
"""

from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

from exporter.net.frames import Frame
from exporter.net.layout import CLOSED, HALF, SEEN, STATE, WORDS

MAX_PROBES = 128  # entries looked at for one key: bounds what chosen collisions can cost
# A literal of 2^31 or more would become a Python object; a typed global does not.
MULTIPLIER = 0x9E3779B1  # 2^32 divided by the golden ratio, made odd
CANDIDATES = 16  # slots compared for eviction


def words(count: int) -> memoryview:
    """Return `count` unsigned 64-bit zeros in pages that take memory only once they are written."""
    return memoryview(mmap(-1, count * 8, flags=MAP_PRIVATE | MAP_ANONYMOUS)).cast("Q")


class FlowTable:
    """Slots by key. The caller keeps `slots` words up to date; the table only keys, the hash and the free slots.

    Attributes:
        slots: shape (capacity * WORDS,), unsigned 64-bit.
        used: slots taken.
        side: of the frame last looked up, 0 when its sender is the earlier endpoint of the key, else 1.
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
        self.seed = seed & HALF
        self.used = self.fresh = self.free = self.hand = 0
        self.side = self.hash = self.ports = 0
        self.low_high = self.low_low = self.high_high = self.high_low = 0

    def find(self, frame: Frame) -> int:
        """Return the slot of the frame's flow, or -1; sets `side` and the key that `insert` will take."""
        self._key(frame)
        place = self.hash & self.mask
        probes = 0
        while probes < MAX_PROBES:
            entry = self.index[place]
            if entry == 0:
                return -1
            if entry >> 32 == self.hash:
                slot = (entry & HALF) - 1
                if self._same(slot * WORDS):
                    return slot
            place = (place + 1) & self.mask
            probes += 1
        return -1

    def insert(self) -> int:
        """Take a slot for the key last looked up; return it cleared, or -1 where there is no room.

        `victim` then names the flow whose removal makes room.
        """
        place = self.hash & self.mask
        probes = 0
        while self.index[place]:
            place = (place + 1) & self.mask
            probes += 1
            if probes == MAX_PROBES:
                return -1
        slot = self._take()
        if slot < 0:
            return -1
        self.index[place] = self.hash << 32 | (slot + 1)
        base = slot * WORDS
        self.slots[base] = self.low_high
        self.slots[base + 1] = self.low_low
        self.slots[base + 2] = self.high_high
        self.slots[base + 3] = self.high_low
        self.slots[base + 4] = self.ports
        for word in range(STATE, WORDS):
            self.slots[base + word] = 0
        self.slots[base + STATE] = self.hash << 32
        self.used += 1
        return slot

    def remove(self, slot: int) -> None:
        """Free a slot that is taken."""
        own = self.slots[slot * WORDS + STATE] >> 32 << 32 | (slot + 1)
        place = (own >> 32) & self.mask
        while self.index[place] != own:
            place = (place + 1) & self.mask
        self._close_up(place)
        self.slots[slot * WORDS] = self.free
        self.slots[slot * WORDS + 4] = 0
        self.free = slot + 1
        self.used -= 1

    def victim(self) -> int:
        """Return the slot to give up for the key last looked up: a closed one, else the longest unseen of a few."""
        if self.used < self.capacity:  # the key's neighbourhood in the index is crowded, not the table
            return (self.index[self.hash & self.mask] & HALF) - 1
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
        return slot < self.fresh and self.slots[slot * WORDS + 4] != 0

    def _take(self) -> int:
        if self.free:
            slot = self.free - 1
            self.free = self.slots[slot * WORDS]
            return slot
        if self.fresh < self.capacity:
            self.fresh += 1
            return self.fresh - 1
        return -1

    def _close_up(self, hole: int) -> None:
        """Empty an index entry and move up those behind it that would no longer be found."""
        place = hole
        while True:
            place = (place + 1) & self.mask
            entry = self.index[place]
            if entry == 0:
                break
            home = (entry >> 32) & self.mask
            if ((place - home) & self.mask) >= ((place - hole) & self.mask):
                self.index[hole] = entry
                hole = place
        self.index[hole] = 0

    def _same(self, base: int) -> bool:
        return (
            self.slots[base + 4] == self.ports
            and self.slots[base + 1] == self.low_low
            and self.slots[base + 3] == self.high_low
            and self.slots[base] == self.low_high
            and self.slots[base + 2] == self.high_high
        )

    def _key(self, frame: Frame) -> None:
        later = frame.source_high > frame.target_high
        if frame.source_high == frame.target_high:
            later = frame.source_low > frame.target_low
            if frame.source_low == frame.target_low:
                later = frame.source_port > frame.target_port
        if later:
            self.side = 1
            self.low_high, self.low_low = frame.target_high, frame.target_low
            self.high_high, self.high_low = frame.source_high, frame.source_low
            self.ports = frame.target_port << 24 | frame.source_port << 8 | frame.protocol
        else:
            self.side = 0
            self.low_high, self.low_low = frame.source_high, frame.source_low
            self.high_high, self.high_low = frame.target_high, frame.target_low
            self.ports = frame.source_port << 24 | frame.target_port << 8 | frame.protocol
        mixed = self._mix(self.seed ^ self.low_low)
        mixed = self._mix(mixed ^ self.high_low)
        if self.low_high | self.high_high:
            mixed = self._mix(mixed ^ self.low_high)
            mixed = self._mix(mixed ^ self.high_high)
        mixed = self._mix(mixed ^ self.ports)
        self.hash = (mixed ^ mixed >> 32) & HALF

    def _mix(self, value: int) -> int:
        """Fold 64 bits to 32 and multiply, which stays below 2^64."""
        return ((value ^ value >> 29) & HALF) * MULTIPLIER
