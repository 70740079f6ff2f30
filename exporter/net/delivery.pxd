# C types of delivery.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport (
    ASKED, BLIND, CLIENT_LATER, COLD_WORDS, HALF, HANDSHAKE, IGNORED, PORTS, REPORTED, SEEN,
    SIZES, SKIP, SKIPPED, SKIPPED_AT, STATE, SURE, SWAPPED, TCP, TOKEN, TOLD, TURNS, UNSURE, WORDS,
)

from exporter.net.frames cimport Frame
from exporter.net.glancing cimport Glancing
from exporter.net.lengths cimport Lengths
from exporter.net.sides cimport Sides
from exporter.net.table cimport FlowTable

cdef int TURN_ROWS, TURN_WORDS, CANDIDATES
cdef int64_t LONGEST_PAUSE, BLINDLY


@cython.final
cdef class Delivery:
    cdef readonly FlowTable table
    cdef uint64_t[::1] slots, cold, rows
    cdef object opener, sink, watcher
    cdef list streams
    cdef Sides sides
    cdef int row
    cdef int64_t hand
    cdef public int64_t most_consumers
    cdef readonly int64_t consumers, retired
    cdef public int64_t head, rest
    cdef readonly Lengths lengths
    cdef readonly int64_t turned, gaps, gap_bytes, delivered_bytes, skipped_bytes, opened, failed
    cdef readonly str failure

    @cython.locals(base=int64_t, skip=int64_t, taken=int64_t)
    cdef void _data(self, int64_t slot, int direction, source, int64_t start, int64_t size, int64_t wire, int64_t at) except *
    @cython.locals(plain=bint, taken=bint, glancing=Glancing)
    cdef bint glance(self, int64_t slot, int direction, Frame frame) except -1
    cpdef unheard(self, int64_t slot, int direction, int64_t size, int64_t at)
    @cython.locals(base=int64_t, state=uint64_t, enough=bint, ports=uint64_t, port=int)
    cpdef note(self, int64_t slot, int direction, int64_t rest, int64_t missing)
    @cython.locals(head=int64_t, is_long=bint)
    cpdef data(self, int64_t slot, int direction, source, int64_t start, int64_t size, int64_t wire, int64_t at)
    @cython.locals(base=int64_t, skip=int64_t)
    cpdef gap(self, int64_t slot, int direction, int64_t size, int64_t at)
    @cython.locals(base=int64_t, direction=int, cold=int64_t)
    cpdef end(self, int64_t slot, reason, int64_t at)
    cdef int _detach(self, int64_t slot) except -1
    @cython.locals(best=int64_t, met=int, base=int64_t, _=int64_t)
    cdef void _retire(self, int64_t at) except *
    cpdef bint attached(self, int64_t slot) except? -1
    @cython.locals(base=int64_t, ports=uint64_t, state=uint64_t, later=int)
    cpdef flow(self, int64_t slot)
    @cython.locals(count=int)
    cpdef flush(self)
    cpdef connected(self, int64_t slot, int64_t at)
    cpdef unconnected(self, int64_t slot, failure, int64_t at)
    cpdef retransmitted(self, int64_t slot, int direction, int64_t at)
    cdef void _pass_on(self, int64_t slot, int direction, source, int64_t start, int64_t size, int64_t wire, int64_t at) except *
    @cython.locals(state=uint64_t, asking=bint, told=uint64_t, sizes=uint64_t)
    cpdef int turn(self, int64_t base, int direction, int64_t size, int64_t at) except -1
    @cython.locals(row=int64_t)
    cdef int _settle(self, int64_t base) except -1
    cdef void _lose(self, int64_t base) except *
    @cython.locals(cold=int64_t)
    cdef void _skip(self, int64_t slot, int direction, int64_t size, int64_t at) except *
    @cython.locals(cold=int64_t, size=int64_t)
    cdef void _report(self, int64_t slot, int direction, int64_t at) except *
    @cython.locals(base=int64_t, asked=int64_t, word=int, cold=int64_t, state=uint64_t)
    cdef void _want(self, int64_t slot, int direction, int64_t answer) except *
    cdef _stream(self, int64_t slot, int64_t at)
    @cython.locals(base=int64_t, state=uint64_t)
    cdef _open(self, int64_t slot, int64_t at)
    cdef void _connected(self, int64_t slot, flow, int64_t at) except *
