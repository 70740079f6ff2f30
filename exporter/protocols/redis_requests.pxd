# C types of redis_requests.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.redis_session cimport RedisSession

cdef int64_t MAX_ARGUMENTS, MAX_NUMBER_BYTES, MAX_PLAIN_DIGITS, MAX_WORDS, _LINE


@cython.final
cdef class Requests:
    cdef RedisSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size, _arguments, _left
    cdef bint _lookup, _waits, _wordy
    cdef object _operation
    cdef bytes _stateful
    cdef list _words
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, reached=int64_t, since=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    @cython.locals(amid=bint)
    cdef bint idle(self) except -1
    cpdef lose(self, list out)
    @cython.locals(line=int64_t, end=int64_t, count=int64_t)
    cdef int64_t _begin(self, buffer, int64_t start, int64_t since, int64_t at, list out) except? -7
    @cython.locals(line=int64_t, end=int64_t, length=int64_t, stop=int64_t)
    cdef int64_t _string(self, buffer, int64_t start) except? -7
    cdef _name(self, bytes name)
    cdef _name_begun(self, bytes held)
    @cython.locals(end=int64_t)
    cdef int64_t _inline(self, buffer, int64_t start, int64_t since, int64_t at, list out) except? -7
    cdef _complete(self, int64_t at, list out)


@cython.locals(plain=int64_t, end=int64_t)
cpdef int64_t length_line(buffer, int64_t start) except? -7
@cython.locals(value=int64_t, stop=int64_t, place=int64_t, octet=int)
cpdef int64_t plain_number(bytes buffer, int64_t start) except? -7
@cython.locals(end=int64_t)
cdef int64_t _line_end(buffer, int64_t start) except? -7
cpdef int64_t number(buffer, int64_t start, int64_t end) except? -7
