# C types of memcached.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.memcached_session cimport MemcachedSession

cdef int CLIENT


@cython.final
cdef class MemcachedParser:
    cdef MemcachedSession _session
    cdef object _requests, _replies
    cdef int64_t _malformed

    cpdef feed(self, int direction, bytes data, int64_t at)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    cpdef int64_t skippable(self, int direction) except? -7
    cpdef left(self)
    cpdef finish(self, int64_t at)
    cdef _begin(self, bint binary)
