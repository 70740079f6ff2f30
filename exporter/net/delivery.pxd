# C types of delivery.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t

from exporter.net.table cimport FlowTable

cdef int SKIP, SKIPPED, SKIPPED_AT, STATE, TCP, WORDS
cdef uint64_t CLIENT_LATER, IGNORED, SURE


@cython.final
cdef class Delivery:
    cdef readonly FlowTable table
    cdef uint64_t[::1] slots
    cdef object opener
    cdef list streams
    cdef readonly int64_t gaps, gap_bytes, delivered_bytes, skipped_bytes, opened

    @cython.locals(base=int64_t, skip=int64_t, taken=int64_t)
    cpdef data(self, int64_t slot, int direction, source, int64_t start, int64_t size, int64_t wire, int64_t at)
    @cython.locals(base=int64_t, skip=int64_t)
    cpdef gap(self, int64_t slot, int direction, int64_t size, int64_t at)
    @cython.locals(base=int64_t, direction=int)
    cpdef end(self, int64_t slot, reason, int64_t at)
    cpdef bint attached(self, int64_t slot) except? -1
    @cython.locals(base=int64_t, ports=uint64_t, state=uint64_t)
    cpdef flow(self, int64_t slot)
    cdef void _skip(self, int64_t base, int64_t size, int64_t at) except *
    @cython.locals(base=int64_t, size=int64_t)
    cdef void _report(self, int64_t slot, int direction, int64_t at) except *
    cdef void _want(self, int64_t base, int64_t skip) except *
    cdef _stream(self, int64_t slot, int64_t at)
    @cython.locals(base=int64_t, state=uint64_t)
    cdef _open(self, int64_t slot, int64_t at)
