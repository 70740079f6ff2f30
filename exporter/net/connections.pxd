# C types of connections.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport (
    ACK, CLIENT_LATER, CLOSED, COLD_WORDS, DISTURBED, DOUBLED, EMBRYONIC, FIN, FINISHED, HALF, HANDSHAKE, HELD, IGNORED,
    INITIAL, KNOWN, MIDST, NEXT, OPENED, PORTS, PRESENT, REPORTED, RST, SEEN, STATE, SURE, SYN, TURNS, UDP, WORDS,
)

from exporter.net.delivery cimport Delivery
from exporter.net.embryos cimport Embryos
from exporter.net.frames cimport Frame
from exporter.net.sequences cimport Sequences
from exporter.net.table cimport FlowTable

cdef int64_t WINDOW, LINGER, DATAGRAM_PATIENCE, EMBRYONIC_PATIENCE, SYN_TIMEOUT, CAPTURED_TWICE, LATE, PROGRESS
cdef int64_t MAX_REPORTS, MOST_PASSED


@cython.final
cdef class Connections:
    cdef FlowTable table
    cdef uint64_t[::1] slots, cold
    cdef Frame frame
    cdef Delivery delivery
    cdef object reassembly
    cdef Sequences sequences
    cdef Embryos embryos
    cdef int64_t reports, resumed_at, doubted_at, recovering_at
    cdef public bint impatient
    cdef readonly int64_t unbelieved, repeated, strays, evicted, replaced

    @cython.locals(slot=int64_t)
    cpdef int segment(self, Frame frame, source) except -1
    @cython.locals(base=int64_t, state=uint64_t, direction=int, shift=int, following=uint64_t, expected=uint64_t, other=uint64_t, early=int64_t)
    cdef inline bint _next(self, int64_t slot, Frame frame, source) except? -1
    @cython.locals(frame=Frame, unseen=int64_t)
    cdef void _any(self, int64_t slot, source, int64_t at) except *
    @cython.locals(at=int64_t, slot=int64_t, base=int64_t, state=uint64_t, direction=int)
    cpdef datagram(self, Frame frame, source)
    @cython.locals(state=uint64_t)
    cpdef finish(self, int64_t slot, reason, int64_t at)
    cpdef remove(self, int64_t slot, reason, int64_t at)
    @cython.locals(slot=int64_t, state=uint64_t, unseen=int64_t, over=bint)
    cpdef expire(self, int64_t now, int64_t idle)
    @cython.locals(state=uint64_t, opened=int64_t, tried=int64_t)
    cdef bint _hopeless(self, int64_t slot, int64_t unseen, int64_t now) except? -1
    @cython.locals(slot=int64_t)
    cpdef close(self, int64_t now)
    cpdef resume(self, int64_t at)
    cpdef lost(self, int64_t at)
    @cython.locals(frame=Frame, base=int64_t)
    cdef void _follow(self, int64_t slot, int direction, int64_t at) except *
    @cython.locals(base=int64_t, missed=int64_t)
    cdef void _pass(self, int64_t slot, int direction, uint64_t sequence, int64_t at) except *
    @cython.locals(base=int64_t, flags=int, state=uint64_t, direction=int, unseen=int64_t, alone=bint, other=int)
    cdef inline int _established(self, int64_t slot, source, int64_t at) except -1
    cdef void _reset(self, int64_t slot, int direction, int64_t at) except *
    @cython.locals(answered=uint64_t)
    cdef void _unused(self, int64_t slot, reason, int64_t at) except *
    @cython.locals(frame=Frame, base=int64_t, state=uint64_t, early=bint, finishes=int, length=int64_t, behind=int64_t)
    cdef inline int _bytes(self, int64_t slot, int direction, int64_t sequence, source, int64_t at, int64_t unseen) except -1
    cdef void _repeated(self, int64_t slot, int direction, int64_t behind, bint newest, int64_t at, int64_t unseen) except *
    @cython.locals(recovers=bint)
    cdef void _again(self, int64_t slot, int direction, bint newest, int64_t at, int64_t unseen) except *
    @cython.locals(frame=Frame, before=int64_t)
    cdef void _disordered(self, int64_t slot, int direction, int64_t sequence, source, int64_t at, int64_t unseen) except *
    @cython.locals(frame=Frame, answer=bint, base=int64_t, state=uint64_t, direction=int, initial=int64_t)
    cdef void _handshake(self, int64_t slot, source, int64_t at) except *
    @cython.locals(base=int64_t, sequence=int64_t)
    cdef void _greet(self, int64_t slot, int direction, int64_t at) except *
    @cython.locals(slot=int64_t, base=int64_t, later=bint, acknowledged=uint64_t)
    cdef int64_t _open(self, bint answer, int64_t at) except? -7
    @cython.locals(slot=int64_t)
    cdef void _give_up_first(self, int64_t at) except *
    @cython.locals(slot=int64_t, sender=bint, later=bint)
    cdef int64_t _join(self, int64_t at) except? -7
    @cython.locals(slot=int64_t)
    cdef int64_t _claim(self, int64_t at) except? -7
