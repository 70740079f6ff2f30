# C types of postgres_backend.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.pieces cimport big32, octet, piece
from exporter.protocols.postgres_session cimport PostgresSession

cdef int ERROR, COMPLETE, READY, EMPTY_QUERY, SUSPENDED, BOUND, NOTIFIED, COPY_IN, COPY_BOTH, PARAMETERS, ROWS, QUERIED
cdef int64_t MAX_PARAMETER_BYTES
cdef tuple NEEDED, LEAST_LENGTHS, MOST_LENGTHS
cdef object FOR_EXECUTE, FOR_QUERY, FOR_LOGIN, RESPONSE, CHANGED


@cython.final
cdef class Backend:
    cdef PostgresSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size
    cdef int _kind
    cdef str _code
    cdef object _operation
    cdef bint _told, _bound, _copying, _answering, _described, _impatient
    cdef int64_t _begun_at, _begun_until
    cdef int _statements
    cdef bytes _tag, _status
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(session=PostgresSession, position=int64_t, end=int64_t, taken=int64_t, size=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    cpdef hurry(self, int64_t size_bytes, int64_t at, list out)
    cpdef settle(self, list out)
    cpdef lose(self, int64_t at, list out)
    @cython.locals(available=int64_t, kind=int, length=int64_t, needed=int64_t)
    cdef int64_t _message(self, buffer, int64_t start, int64_t at) except? -7
    cdef _look(self, int kind, bytes body)
    @cython.locals(session=PostgresSession)
    cdef _begin(self, int kind, int64_t at)
    @cython.locals(kind=int)
    cdef _complete(self, int64_t at, list out)
    @cython.locals(number=int, tag=bytes)
    cdef _done(self, int64_t at, list out)
    cdef _say(self, tuple changes, int64_t at, list out)
    @cython.locals(session=PostgresSession)
    cdef _ready(self, head, int64_t at, list out)
    cdef _refuse(self, int64_t at, list out)
    @cython.locals(failed=bint, status=str)
    cdef _answer(self, int64_t at, list out)
    cdef _end(self)
