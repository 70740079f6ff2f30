# C types of redis_session.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.fifo cimport Fifo

cdef object ALWAYS, ONCE_NOT, NEVER, REQUEST, RESPONSE, ONE_WAY, PUSH


@cython.final
cdef class RedisSession:
    cdef readonly bint opaque, monitored, subscribed
    cdef readonly int64_t outstanding
    cdef readonly bint lookup
    cdef bint _fresh
    cdef object _replying
    cdef list _confirmations
    cdef Fifo _lookups

    cpdef request(self, bytes name, list words, int64_t arguments, bint lookup)
    cdef _change(self, bytes name, list words, int64_t arguments, kind)
    cdef _client(self, list words, kind)
    cpdef reply(self, bint pushed, bytes word)
    cdef _confirmation(self)
    cdef _answered(self)
    @cython.locals(told=bint)
    cdef bint idle(self) except -1
    cpdef forget(self)
