# C types of tls.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.units cimport Unit, Units


@cython.final
cdef class _Side:
    cdef readonly Units units
    cdef public bytearray hello
    cdef public int64_t first_at, passing, size
    cdef public bint ciphered, finished
