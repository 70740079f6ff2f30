# C types of embryos.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport EMBRYONIC, STATE, WORDS

from exporter.net.table cimport FlowTable


@cython.final
cdef class Embryos:
    cdef FlowTable table
    cdef uint64_t[::1] slots, queue
    cdef int64_t front, back

    @cython.locals(waiting=int64_t)
    cdef bint crowded(self) except? -1
    cdef int add(self, int64_t slot) except -1
    @cython.locals(slot=int64_t)
    cdef int64_t first(self) except? -7
