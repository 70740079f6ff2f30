# C types of units.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.pieces cimport piece

cdef int64_t MAX_MALFORMED


@cython.final
cdef class Unit:
    cdef readonly bytes head
    cdef readonly int64_t size_bytes
    cdef readonly int64_t first_at
    cdef public int64_t last_at


@cython.final
cdef class Units:
    cdef Backlog _backlog
    cdef object _judge, _measure
    cdef bint _lost, _seen
    cdef int64_t _malformed
    cdef readonly Unit unit
    cdef readonly int64_t skippable, losses

    @cython.locals(position=int64_t, end=int64_t, kept=int64_t, size=int64_t, first_at=int64_t, unit=Unit, measured=tuple, units=list)
    cpdef feed(self, bytes data, int64_t at)
    @cython.locals(known=bint, units=list)
    cpdef gap(self, int64_t size_bytes, int64_t at)
    cpdef lose(self)
    @cython.locals(taken=int64_t)
    cdef int64_t _skip(self, list units, bytes data, int64_t at) except? -7
    @cython.locals(unit=Unit)
    cdef _pass(self, list units, int64_t size, int64_t at)
    @cython.locals(whole=int64_t)
    @cython.locals(unit=Unit, whole=int64_t)
    cdef Unit _ended(self, int64_t size, int64_t at)
    cdef bint _torn(self, int64_t size) except? -1
    cdef tuple _measured(self, buffer, int64_t position, list units)
