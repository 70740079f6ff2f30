# C types of lengths.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t



@cython.final
cdef class Row:
    cdef readonly int64_t streak, wanted
    cdef readonly bint is_cut, is_needed


@cython.final
cdef class Lengths:
    cdef readonly object cut, messages
    cdef readonly int64_t misjudged
    cdef dict rows

    @cython.locals(row=Row)
    cpdef note(self, int port, int direction, bint enough)
    @cython.locals(row=Row, place=int)
    cdef Row _begin(self, int place)
