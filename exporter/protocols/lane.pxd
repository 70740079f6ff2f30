# C types of lane.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Message
from exporter.net.frames cimport Frame


@cython.final
cdef class Turn:
    cdef public int64_t asked_at, answered_at, request_bytes, response_bytes
    cdef public object operation
    cdef public bint failed, lookup
    cdef public int64_t hits, misses, name


cdef class Counting:
    cpdef count(self, Turn turn)


cdef class Lane:
    cdef bint idle(self) except -1
    cdef bint ask(self, Frame frame, Turn turn) except -1
    cdef bint answer(self, Frame frame, Turn turn) except -1
    cdef Message resume(self, Turn turn)
