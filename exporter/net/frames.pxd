# C types of frames.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport (
    DATAGRAM, ETHERNET, ETHERTYPE, FRAGMENT, HALF, IPV4, IPV6, MALFORMED, NESTED, OTHER, SEGMENT, TCP, TRANSPORT,
    TRUNCATED, UDP,
)

from exporter.net.octets cimport big16, big32, big64

cdef int MAX_LAYERS
cdef uint64_t MAPPED


@cython.final
cdef class Frame:
    cdef const unsigned char[::1] memory
    cdef int64_t position, end, limit
    cdef readonly int protocol, flags, network, fragment_more
    cdef public Frame following
    cdef public int verdict, side
    cdef public int64_t at
    cdef public uint64_t key, ports, hash, low_high, low_low, high_high, high_low
    cdef readonly int64_t source_port, target_port  # shifted into 40 bits by the flow table
    cdef readonly uint64_t source_high, source_low, target_high, target_low
    cdef readonly int64_t sequence, acknowledged, payload, size, wire, header, fragment, fragment_offset

    cpdef attach(self, memory)
    cpdef detach(self)
    @cython.locals(verdict=int, layers=int)
    cpdef int read(self, int64_t start, int64_t captured, int64_t wire, int link) except -1
    @cython.locals(head=uint64_t, addresses=uint64_t, begin=uint64_t, tail=int, total=int64_t, header=int64_t, plain=bint, captured=int64_t)
    cdef inline int _plain(self, int64_t at, int64_t end) except -1
    cdef int _link(self, int link) except -1
    cdef int _point_to_point(self, int link) except -1
    cdef int _rare(self, int link) except -1
    @cython.locals(kind=int)
    cdef int _typed(self, int offset, int size) except -1
    @cython.locals(version=int)
    cdef int _version(self) except -1
    @cython.locals(kind=int)
    cdef int _ppp(self) except -1
    @cython.locals(kind=int)
    cdef int _ethernet(self) except -1
    cdef int _layer(self, int kind) except -1
    cdef int _tunnel(self, int kind) except -1
    @cython.locals(bottom=int, kind=int)
    cdef int _mpls(self) except -1
    @cython.locals(at=int64_t, first=int, length=int, total=int, fragment=int)
    cdef int _ipv4(self) except -1
    cdef inline void _bound(self, int64_t limit) noexcept
    @cython.locals(at=int64_t, length=int)
    cdef int _ipv6(self) except -1
    cdef int _fragmented(self, int64_t identification, int64_t offset, int more) except -1
    cdef inline int _carry(self, int64_t payload) noexcept
    cdef int _transport(self, int protocol) except -1
    @cython.locals(at=int64_t, place=int)
    cdef int _extension(self, int protocol) except -1
    @cython.locals(at=int64_t, offset=int)
    cdef int _tcp(self) except -1
    @cython.locals(at=int64_t, length=int)
    cdef int _udp(self) except -1
    @cython.locals(at=int64_t, first=int)
    cdef int _overlay(self) except -1
    @cython.locals(at=int64_t, flags=int, kind=int, optional=int)
    cdef int _gre(self) except -1
    cdef int _erspan3(self) except -1
