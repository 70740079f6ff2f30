# C types of table.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t

from exporter.net.frames cimport Frame

cdef int SEEN, STATE, WORDS, MAX_PROBES, CANDIDATES
cdef uint64_t CLOSED, HALF, MULTIPLIER


@cython.final
cdef class FlowTable:
    cdef public uint64_t[::1] slots
    cdef uint64_t[::1] index
    cdef readonly int64_t capacity, used, fresh, hand
    cdef uint64_t mask, seed, free, hash, ports, low_high, low_low, high_high, high_low
    cdef readonly int side

    @cython.locals(place=int64_t, probes=int, entry=uint64_t, slot=int64_t)
    cpdef int64_t find(self, Frame frame) except? -7
    @cython.locals(place=int64_t, probes=int, slot=int64_t, base=int64_t, word=int)
    cpdef int64_t insert(self) except? -7
    @cython.locals(own=uint64_t, place=int64_t)
    cpdef remove(self, int64_t slot)
    @cython.locals(best=int64_t, oldest=uint64_t, seen=uint64_t, base=int64_t, _=int)
    cpdef int64_t victim(self) except? -7
    cpdef bint taken(self, int64_t slot) except? -1
    @cython.locals(slot=int64_t)
    cdef int64_t _take(self) except? -7
    @cython.locals(place=uint64_t, entry=uint64_t, home=uint64_t)
    cdef void _close_up(self, uint64_t hole) except *
    cdef inline bint _same(self, int64_t base) except? -1
    @cython.locals(later=bint, mixed=uint64_t)
    cdef inline void _key(self, Frame frame) except *
    cdef inline uint64_t _mix(self, uint64_t value) noexcept
