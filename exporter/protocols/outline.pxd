# C types of outline.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Flow


@cython.final
@cython.no_gc  # it is in no cycle, and looking for some in 100,000 takes a tenth of the time
cdef class Outline:
    cdef Flow _flow
    cdef object _outlines, _recognition
    cdef int64_t _token

    @cython.locals(flow=Flow, token=int64_t)
    cpdef int64_t data(self, int direction, bytes payload, int64_t at) except? -7
    cpdef int64_t gap(self, int direction, int64_t size_bytes, int64_t at) except? -7
    cpdef end(self, reason, int64_t at)
    cdef int64_t _recall(self, Flow flow, int direction, bytes payload) except? -7
    @cython.locals(flow=Flow)
    cdef int64_t _settle(self, recognition, int direction) except? -7
