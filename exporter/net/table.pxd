# C types of table.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport (
    ADDRESSES, CLOSED, COLD_WORDS, HALF, IPV6_KEY, KEY, PORTS, SEEN, STATE, TOKEN, WORDS,
)

from exporter.net.frames cimport Frame
from exporter.net.octets cimport prefetch

cdef int MAX_PROBES, CANDIDATES
cdef uint64_t MAPPED_PREFIX, MULTIPLIER


@cython.final
cdef class FlowTable:
    cdef public uint64_t[::1] slots, cold
    cdef uint64_t[::1] index
    cdef readonly int64_t capacity, used, fresh, hand, misplaced
    cdef uint64_t mask, seed, free

    cpdef int prepare(self, Frame frame) except -1
    @cython.locals(entry=uint64_t, slot=int64_t)
    cpdef int approach(self, Frame frame) except -1
    @cython.locals(place=int64_t, probes=int, entry=uint64_t, slot=int64_t)
    cpdef int64_t find(self, Frame frame) except? -7
    @cython.locals(place=int64_t, probes=int, slot=int64_t)
    cpdef int64_t insert(self, Frame frame) except? -7
    @cython.locals(own=uint64_t, place=int64_t, probes=int)
    cpdef remove(self, int64_t slot)
    @cython.locals(best=int64_t, oldest=uint64_t, seen=uint64_t, base=int64_t, _=int)
    cpdef int64_t victim(self, Frame frame) except? -7
    cpdef bint taken(self, int64_t slot) except? -1
    @cython.locals(slot=int64_t)
    cdef int64_t _take(self) except? -7
    @cython.locals(place=uint64_t, entry=uint64_t, home=uint64_t, _=uint64_t)
    cdef void _close_up(self, uint64_t hole) except *
    @cython.locals(base=int64_t)
    cdef inline bint _same(self, Frame frame, int64_t slot) except? -1
    @cython.locals(base=int64_t, word=int)
    cdef void _clear(self, Frame frame, int64_t slot) except *
    @cython.locals(source_low=uint64_t, target_low=uint64_t, source=uint64_t, target=uint64_t,
                   earlier=uint64_t, later=uint64_t, ports=uint64_t, mixed=uint64_t)
    cdef inline void _key(self, Frame frame) noexcept
    @cython.locals(later=bint, ports=uint64_t, mixed=uint64_t)
    cdef void _long_key(self, Frame frame) noexcept
    cdef uint64_t _mix_both(self, uint64_t value, uint64_t word) noexcept
    cdef inline uint64_t _mix(self, uint64_t value) noexcept
