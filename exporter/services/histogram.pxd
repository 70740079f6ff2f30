# C types of histogram.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

cdef tuple LIMITS


@cython.locals(low=cython.int, high=cython.int, middle=cython.int, limit=int64_t)
cpdef int bucket(int64_t duration) except -1
