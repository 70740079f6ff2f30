# C types of engine.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t

from exporter.net.connections cimport Connections
from exporter.net.delivery cimport Delivery
from exporter.net.frames cimport Frame
from exporter.net.table cimport FlowTable

cdef int DATAGRAM, FRAGMENT, RAW_IP, SEGMENT


@cython.final
cdef class Engine:
    cdef Frame frames
    cdef FlowTable table
    cdef Delivery delivery
    cdef Connections connections
    cdef object reassembly, fragments, source
    cdef int64_t idle, packets, bytes
    cdef bint datagrams
    cdef uint64_t[::1] verdicts
    cdef const unsigned char[::1] view

    @cython.locals(end=int64_t, count=int64_t, at=int64_t, number=int64_t, following=int64_t, captured=int64_t,
                   start=int64_t, when=int64_t)
    cpdef int64_t block(self, memory, int64_t base, int64_t size, int link=*) except? -7
    @cython.locals(end=int64_t, at=int64_t, captured=int64_t, when=int64_t)
    cpdef int64_t records(self, data, int64_t start, bint swapped, int64_t fraction_ns, int link) except? -7
    cpdef frame(self, data, int link, int64_t wire, int64_t at)
    cpdef expire(self, int64_t now)
    cpdef lost(self)
    cpdef close(self, int64_t now)
    @cython.locals(verdict=int)
    cdef void _packet(self, int64_t start, int64_t captured, int64_t wire, int link, int64_t at) except *
    @cython.locals(frames=Frame, verdict=int)
    cdef void _fragment(self, int64_t at) except *
    cdef void _attach(self, source) except *
    cdef void _detach(self) except *
    @cython.locals(low=int64_t, high=int64_t)
    cdef inline int64_t _native(self, int64_t at, int64_t end) except? -7
    @cython.locals(low=int64_t, high=int64_t)
    cdef inline int64_t _word(self, int64_t at, int64_t end, bint swapped) except? -7
