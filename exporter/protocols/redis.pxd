# C types of redis.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Message
from exporter.net.frames cimport Frame
from exporter.protocols.lane cimport Lane, Turn
from exporter.protocols.redis_lane cimport read_command, read_reply
from exporter.protocols.redis_replies cimport Replies
from exporter.protocols.redis_requests cimport Requests
from exporter.protocols.redis_session cimport RedisSession

cdef int CLIENT


# Not final: Cython then refuses to override what its base declares.
cdef class RedisParser(Lane):
    cdef RedisSession _session
    cdef Requests _requests
    cdef Replies _replies
    cdef int64_t _malformed

    cpdef feed(self, int direction, bytes data, int64_t at)
    cdef bint idle(self) except -1
    cdef bint ask(self, Frame frame, Turn turn) except -1
    cdef bint answer(self, Frame frame, Turn turn) except -1
    cdef Message resume(self, Turn turn)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    cpdef int64_t skippable(self, int direction) except? -7
    cpdef left(self)
    cpdef finish(self, int64_t at)
