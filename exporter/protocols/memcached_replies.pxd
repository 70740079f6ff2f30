# C types of memcached_replies.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.memcached_session cimport Asked, MemcachedSession

cdef int64_t MAX_LINE_BYTES, MAX_LENGTH_DIGITS
cdef object RESPONSE


@cython.final
cdef class TextReplies:
    cdef MemcachedSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size, _values
    cdef bint _reading, _rows, _last
    cdef bytes _word, _line
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, stop=int64_t, line=bytes)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    cpdef lose(self, list out, int64_t missing=*, int64_t at=*)
    @cython.locals(word=bytes, place=int)
    cdef _take(self, bytes line, int64_t at, list out)
    @cython.locals(words=list, length=bytes)
    cdef _expect_value(self, bytes line, int64_t place)
    @cython.locals(word=bytes, values=int64_t, opaque=int64_t, key=int64_t, asked=Asked, lookups=int64_t, misses=int64_t)
    cdef _complete(self, kind, int64_t at, list out)
