# C types of backlog.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.pieces cimport line_feed

cdef bytearray NOTHING


@cython.final
cdef class Backlog:
    cdef public bytearray held
    cdef public int64_t since, scanned

    cpdef join(self, bytes data, int64_t at)
    cpdef keep(self, buffer, int64_t position, int64_t at)
    @cython.locals(end=int64_t)
    cpdef int64_t line_end(self, buffer, int64_t start, int64_t most) except? -7
    cpdef drop(self)
