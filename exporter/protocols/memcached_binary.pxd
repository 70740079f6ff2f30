# C types of memcached_binary.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.memcached_session cimport Asked, MemcachedSession

cdef int64_t MAX_BODY_BYTES, QUIT, QUIET_QUIT, NOT_FOUND
cdef object REQUEST, RESPONSE, ONE_WAY


@cython.final
cdef class BinarySide:
    cdef MemcachedSession _session
    cdef Backlog _backlog
    cdef int _magic
    cdef int64_t _first_at, _size, _hits, _misses
    cdef bint _reading, _whole, _failed
    cdef object _kind, _operation
    cdef str _status
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    cpdef lose(self, list out, int64_t missing=*, int64_t at=*)
    @cython.locals(body=int64_t, code=int, opaque=int64_t)
    cdef _header(self, bytes header, list out)
    @cython.locals(asked=Asked, lookup=int64_t)
    cdef _reply(self, int code, int64_t opaque, int64_t body, int64_t status, list out)
    cdef _complete(self, int64_t at, list out)
