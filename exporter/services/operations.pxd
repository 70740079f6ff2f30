# C types of operations.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Exchange, Message

cdef object HTTP, NAMES
cdef int64_t MAX_REMEMBERED, MAX_PASSED, MAX_LEFT


@cython.final
cdef class Budget:
    cdef public int64_t left


@cython.final
cdef class Tally:
    cdef readonly object asked, told
    cdef readonly dict by_class


@cython.final
cdef class Operations:
    cdef readonly object family
    cdef readonly int64_t cap
    cdef readonly bint held
    cdef public dict counts
    cdef public double folded
    cdef Budget _budget
    cdef dict _memo, _passed, _before, _left
    cdef Tally _again
    cdef object _found
    cdef object _routes

    @cython.locals(request=Message, response=Message, status=str)
    cpdef add(self, Exchange exchange, double weight=*)
    @cython.locals(tally=Tally, by_class=dict)
    cpdef count(self, operation, str status, double exchanges)
    @cython.locals(settled=bint, succeeded=bint)
    cdef Tally _tally(self, operation, str status)
    cdef bint _has_room(self, operation) except? -1
    cdef _pass(self, operation, double exchanges)
    cdef _leave(self, operation)
    cpdef merge(self, Operations other)
    cpdef copy(self)
    cpdef free(self)
