# C types of memcached_requests.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.memcached_session cimport Asked, MemcachedSession

cdef int64_t MAX_LINE_BYTES, MAX_OTHER_BYTES, MAX_OTHERS, MAX_KEY_BYTES, MAX_VALUE_BYTES
cdef object REQUEST, ONE_WAY


@cython.final
cdef class TextRequests:
    cdef MemcachedSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size, _others
    cdef object _operation, _kind
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, stop=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    cpdef lose(self, list out, int64_t missing=*, int64_t at=*)
    cdef _complete(self, int64_t at, list out)
    @cython.locals(form=int, name=bytes)
    cdef _line(self, bytes line, list out)
    cdef _other(self, bytes line)
    cdef _meta(self, command, bytes name, list words, list out)
    @cython.locals(length=bytes)
    cdef _expect_value(self, list words, int64_t place)
