# C types of connections.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t

from exporter.net.delivery cimport Delivery
from exporter.net.frames cimport Frame
from exporter.net.table cimport FlowTable

cdef int ACK, FIN, NEXT, OPENED, RST, SEEN, STATE, SYN, WORDS
cdef uint64_t CLIENT_LATER, CLOSED, EMBRYONIC, FINISHED, HALF, HELD, IGNORED, KNOWN, PRESENT, SURE
cdef int64_t WINDOW, LINGER, EMBRYONIC_PATIENCE


@cython.final
cdef class Connections:
    cdef FlowTable table
    cdef uint64_t[::1] slots
    cdef Frame frame
    cdef Delivery delivery
    cdef object reassembly
    cdef uint64_t[::1] embryos
    cdef int64_t first, following
    cdef readonly int64_t repeated, strays, evicted, replaced

    @cython.locals(frame=Frame, slot=int64_t, unseen=int64_t)
    cpdef segment(self, source, int64_t at)
    @cython.locals(frame=Frame, slot=int64_t, base=int64_t, state=uint64_t, direction=int)
    cpdef datagram(self, source, int64_t at)
    cpdef finish(self, int64_t slot, reason, int64_t at)
    cpdef remove(self, int64_t slot, reason, int64_t at)
    @cython.locals(slot=int64_t, state=uint64_t, unseen=int64_t, over=bint)
    cpdef expire(self, int64_t now, int64_t idle)
    @cython.locals(slot=int64_t)
    cpdef close(self, int64_t now)
    @cython.locals(base=int64_t, flags=int, state=uint64_t, direction=int)
    cdef void _established(self, int64_t slot, source, int64_t at) except *
    @cython.locals(frame=Frame, base=int64_t, mine=int64_t, state=uint64_t, early=bint, finishes=int, following=uint64_t)
    cdef void _bytes(self, int64_t slot, int direction, int64_t sequence, source, int64_t at) except *
    @cython.locals(theirs=int64_t, state=uint64_t, acknowledged=int64_t, both=uint64_t, initial=uint64_t, behind=int64_t)
    cdef bint _early(self, int64_t base, int other) except? -1
    @cython.locals(frame=Frame)
    cdef void _disordered(self, int64_t slot, int direction, int64_t sequence, source, int64_t at) except *
    @cython.locals(frame=Frame, answer=bint, base=int64_t, state=uint64_t, direction=int)
    cdef void _handshake(self, int64_t slot, source, int64_t at) except *
    @cython.locals(sequence=int64_t)
    cdef void _greet(self, int64_t base, int direction, int64_t at) except *
    @cython.locals(slot=int64_t, base=int64_t, later=bint, acknowledged=uint64_t)
    cdef int64_t _open(self, bint answer, int64_t at) except? -7
    @cython.locals(slot=int64_t)
    cdef void _give_up_first(self, int64_t at) except *
    @cython.locals(slot=int64_t, sender=bint, later=bint)
    cdef int64_t _join(self, int64_t at) except? -7
    @cython.locals(slot=int64_t)
    cdef int64_t _claim(self, int64_t at) except? -7
