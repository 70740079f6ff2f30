# C types of http2.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.http2_headers cimport HeaderDecoder
from exporter.protocols.units cimport Unit, Units


@cython.final
cdef class _Side:
    cdef readonly Units units
    cdef readonly HeaderDecoder decoder
    cdef public bytearray block
    cdef public Unit begun
    cdef public int64_t size

    cpdef drop(self)
