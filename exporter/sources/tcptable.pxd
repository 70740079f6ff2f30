# C types of tcptable.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from exporter.services.tcpsocket cimport TcpSocket

cdef int OLD_KIND, KIND, INFO, LISTEN, CLOSE, FIXED, INFO_BYTES, OLD_INFO_BYTES, CLOSE_WAIT, LAST_ACK, CLOSING
cdef bint LITTLE


@cython.final
cdef class TcpTable:
    cdef readonly dict sockets
    cdef int64_t _round
    cdef object _changes
    cdef const unsigned char[::1] octets
    cdef const uint32_t[::1] _words

    @cython.locals(offset=int64_t, end=int64_t, length=int64_t, cookie=uint64_t, socket=TcpSocket)
    cpdef bint take(self, bytes datagram) except -1
    @cython.locals(socket=TcpSocket)
    cpdef end(self)
    @cython.locals(socket=TcpSocket)
    cpdef TcpSocket notice(self, bytes datagram)
    @cython.locals(kind=int, length=int64_t)
    cdef bint _is_socket(self, int64_t offset, int64_t end) except -1
    cdef _attach(self, bytes datagram)
    @cython.locals(socket=TcpSocket)
    cdef TcpSocket _made(self, uint64_t cookie, int64_t offset)
    cdef int64_t _inode(self, int64_t offset) except -1
    @cython.locals(length=int64_t, at=int64_t, end=int64_t, size=int, kind=int)
    cdef int64_t _read(self, TcpSocket socket, int64_t offset) except -1
    @cython.locals(acked=int64_t, state=int)
    cdef int _read_info(self, TcpSocket socket, int64_t at, int64_t size) except -1
    @cython.locals(first=uint64_t, second=uint64_t)
    cdef uint64_t _long(self, int64_t at) except? 1
    @cython.locals(first=int, second=int)
    cdef int _half(self, int64_t at) except -1
