# C types of mysql_commands.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.mysql_session cimport MysqlSession
from exporter.protocols.pieces cimport little24, octet, piece

cdef int64_t STATEMENT_BYTES, NUMBER_BYTES, SSL_REQUEST_BYTES
cdef object REQUEST, WAITED_FOR


@cython.final
cdef class MysqlCommands:
    cdef MysqlSession _session
    cdef Backlog _backlog
    cdef int64_t _first_at, _size
    cdef object _operation
    cdef bint _continued, _impatient
    cdef public int64_t skip
    cdef public bint lost
    cdef readonly int64_t seen

    @cython.locals(position=int64_t, end=int64_t, taken=int64_t, length=int64_t, sequence=int, start=int64_t, first=int, needed=int64_t)
    cpdef feed(self, bytes data, int64_t at, list out)
    cpdef passed(self, int64_t size_bytes, int64_t at, list out)
    cpdef hurry(self, int64_t at, list out)
    @cython.locals(needed=int64_t)
    cdef int64_t _needed(self, int first, int64_t length, int sequence, int64_t available)
    cdef int64_t _wanted(self, int command, int64_t size, bytes body) except? -7
    cpdef lose(self, list out)
    cdef _complete(self, int64_t at, list out)
    cdef _packet(self, int64_t length, int sequence, bytes body)
    @cython.locals(capabilities=int64_t)
    cdef _login(self, int64_t length, int sequence, bytes body)
    @cython.locals(code=int)
    cdef _command(self, int64_t length, bytes body)
