# C types of engine.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport (
    DATAGRAM, FRAGMENT, SEGMENT, ZONE_SHIFT,
)

from exporter.net.connections cimport Connections
from exporter.net.delivery cimport Delivery
from exporter.net.entries cimport COPIED, DISCARDED, PACKET, SENT, size_of, stamp
from exporter.net.frames cimport Frame
from exporter.net.octets cimport little32
from exporter.net.table cimport FlowTable

cdef int BATCH, NEAR, RAW_IP
cdef int64_t FOREVER


@cython.final
cdef class Engine:
    cdef Frame first, unused, whole
    cdef int pending, attached
    cdef FlowTable table
    cdef Delivery delivery
    cdef Connections connections
    cdef object reassembly, fragments, source
    cdef int64_t idle, packets, bytes, latest
    cdef bint datagrams
    cdef uint64_t zone
    cdef uint64_t[::1] verdicts
    cdef const unsigned char[::1] view, nothing

    @cython.locals(end=int64_t, count=int64_t, at=int64_t, number=int64_t, following=int64_t, captured=int64_t,
                   start=int64_t, when=int64_t, wanted=int64_t)
    cpdef int64_t block(self, memory, int64_t base, int64_t size, int link=*, uint64_t zone=*, int64_t since=*,
                        int64_t until=*) except? -7
    @cython.locals(end=int64_t, at=int64_t, following=int64_t, is_there=bint, when=int64_t)
    cpdef int64_t moment(self, memory, int64_t base, int64_t size, int64_t number) except? -7
    @cython.locals(word=int64_t, following=int64_t, captured=int64_t, when=int64_t, wanted=int64_t)
    cpdef int64_t entries(self, memory, int64_t at, int64_t end, int64_t shift, int link=*, uint64_t zone=*,
                          int64_t since=*, int64_t until=*) except? -7
    @cython.locals(at=int64_t, captured=int64_t, when=int64_t)
    cpdef int64_t records(self, data, int64_t start, bint swapped, int64_t fraction_ns, int link, int64_t end=*) except? -7
    cpdef frame(self, data, int link, int64_t wire, int64_t at)
    cpdef limit(self, int64_t consumers)
    cpdef expire(self, int64_t now)
    cpdef flush(self)
    cpdef learn(self, int64_t head_bytes)
    cpdef bodies(self)
    cpdef messages(self)
    cpdef lost(self)
    cpdef hurry(self, bint drops)
    cpdef resume(self, int64_t at)
    cpdef close(self, int64_t now)
    @cython.locals(frame=Frame, verdict=int, wanted=bint)
    cdef inline int _packet(self, int64_t start, int64_t captured, int64_t wire, int link, int64_t at) except? -1
    @cython.locals(_=int, frame=Frame)
    cdef int _follow(self) except -1
    @cython.locals(_=int, frame=Frame)
    cdef int _approach(self) except -1
    cdef inline int _take(self, Frame frame, source) except -1
    @cython.locals(whole=Frame)
    cdef void _fragment(self, Frame frame) except *
    cdef void _attach(self, source, int frames) except *
    cdef void _detach(self) except *
    @cython.locals(_=int, frame=Frame)
    cdef void _see(self, int frames) except *
    cdef inline int64_t _native(self, int64_t at, int64_t end) except? -7
    @cython.locals(value=int64_t)
    cdef inline int64_t _word(self, int64_t at, bint swapped) except? -7
