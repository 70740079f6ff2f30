# C types of redis_replies.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.redis_requests cimport number, plain_number
from exporter.protocols.redis_session cimport RedisSession

cdef int64_t _LINE, LONGEST_WORD, LONGEST_CODE
cdef int PLUS, MINUS, DOLLAR, BANG, PUSH, MAP, ATTRIBUTE, NULL


@cython.final
cdef class Replies:
    cdef RedisSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size, _left, _elements, _nulls
    cdef bint _reading, _typed, _failed, _pushed, _peeking
    cdef str _error
    cdef bytes _word
    cdef dict _lengths
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, reached=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    @cython.locals(amid=bint)
    cdef bint idle(self) except -1
    cpdef lose(self, list out)
    cdef _begin(self, int64_t since)
    @cython.locals(kind=int, end=int64_t, plain=int64_t)
    cdef int64_t _element(self, buffer, int64_t start) except? -7
    cdef _line(self, int kind, buffer, int64_t start, int64_t end)
    @cython.locals(stop=int64_t, available=int64_t)
    cdef int64_t _string(self, int kind, buffer, int64_t start, int64_t end, int64_t length) except? -7
    cdef _aggregate(self, int kind, int64_t count)
    cdef _fail(self, bytes text)
    cdef _measure(self, str code, int64_t size_bytes)
    @cython.locals(hits=int64_t, misses=int64_t)
    cdef _complete(self, int64_t at, list out)
