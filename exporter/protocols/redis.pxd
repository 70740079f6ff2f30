# C types of redis.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.redis_replies cimport Replies
from exporter.protocols.redis_requests cimport Requests
from exporter.protocols.redis_session cimport RedisSession

cdef int CLIENT


@cython.final
cdef class RedisParser:
    cdef RedisSession _session
    cdef Requests _requests
    cdef Replies _replies
    cdef int64_t _malformed

    cpdef feed(self, int direction, bytes data, int64_t at)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    cpdef int64_t skippable(self, int direction) except? -7
    cpdef left(self)
    cpdef finish(self, int64_t at)
