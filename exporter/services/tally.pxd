# C types of tally.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Tally:
    cdef public int64_t received, sent, resent
    cdef public double seen_at
