# C types of mysql_replies.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.mysql_session cimport Asked, MysqlSession
from exporter.protocols.pieces cimport little24, octet, piece

cdef int64_t NEEDED_BYTES, EOF_BYTES, PREPARED_BYTES, MAX_COLUMNS
cdef int FIRST, FURTHER, DEFINITION, BEHIND, ROW, PREPARED, TAIL, AGAIN, LOG
cdef object RESPONSE, CHANGED


@cython.final
cdef class MysqlReplies:
    cdef MysqlSession _session
    cdef Backlog _backlog
    cdef Asked _asked
    cdef int64_t _first_at, _last_at, _size, _left
    cdef int _sequence, _state
    cdef bint _any, _continued, _ending, _reading
    cdef str _status
    cdef tuple _said
    cdef int _statements
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, length=int64_t, start=int64_t, needed=int64_t, since=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    cpdef lose(self, list out)
    cpdef resume(self)
    cdef _finish_packet(self, int64_t at, list out)
    cdef _complete(self, int64_t at, list out)
    @cython.locals(expected=int)
    cdef _packet(self, int64_t length, int sequence, bytes body, int64_t since, list out)
    @cython.locals(kind=int)
    cdef _login(self, int sequence, bytes body)
    @cython.locals(kind=int)
    cdef _answer(self, int64_t length, bytes body)
    @cython.locals(command=int)
    cdef _first(self, int kind, int64_t length, bytes body)
    @cython.locals(count=int64_t, at=int64_t)
    cdef _columns(self, int64_t length, bytes body)
    @cython.locals(flags=int64_t)
    cdef _end(self, int64_t length, bytes body)
    @cython.locals(planned=tuple, at=int)
    cdef _done(self, int64_t length, bytes body, int64_t flags)
    cdef _prepare(self, bytes body)
    cdef _definition(self, int kind, int64_t length)
    @cython.locals(code=int64_t)
    cdef _error(self, int64_t length, bytes body)
