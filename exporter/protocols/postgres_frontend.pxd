# C types of postgres_frontend.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.pieces cimport big32, octet, piece
from exporter.protocols.postgres_session cimport PostgresSession

cdef int QUERY, PARSE, BIND, EXECUTE, SYNC, FLUSH, FUNCTION_CALL, DESCRIBE
cdef int64_t MAX_MESSAGE_BYTES, MOST_UNEXECUTED_BYTES
cdef tuple NEEDED, LEAST_LENGTHS
cdef object FOR_EXECUTE, FOR_QUERY, FOR_SYNC, FOR_LOGIN, REQUEST


@cython.final
cdef class Frontend:
    cdef PostgresSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size
    cdef int _kind
    cdef object _operation
    cdef tuple _planned
    cdef bint _impatient, _bound
    cdef object _prepared
    cdef int64_t _name_bytes
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, size=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    @cython.locals(hidden=int64_t)
    cpdef hurry(self, int64_t size_bytes, int64_t at, list out)
    cpdef lose(self, int64_t at, list out)
    @cython.locals(length=int64_t, code=int64_t)
    cdef int64_t _start(self, buffer, int64_t start, int64_t at) except? -7
    @cython.locals(available=int64_t, kind=int, length=int64_t, needed=int64_t, wanted=int64_t, whole=bint)
    cdef int64_t _message(self, buffer, int64_t start, int64_t at) except? -7
    @cython.locals(rest=bytes, text=bytes)
    cdef int64_t _wanted(self, int kind, int64_t size, bytes body) except? -7
    @cython.locals(session=PostgresSession, name=bytes, rest=bytes, text=bytes, types=bytes, statement=bytes)
    cdef _look(self, int kind, bytes body, bint whole)
    @cython.locals(kind=int)
    cdef _complete(self, int64_t at, list out)
    cdef _rest(self)
