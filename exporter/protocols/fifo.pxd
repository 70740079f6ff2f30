# C types of fifo.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Fifo:
    cdef int64_t _most, _size
    cdef object _first, _rest

    cpdef first(self)
    cpdef append(self, item)
    cpdef popleft(self)
    cpdef clear(self)
