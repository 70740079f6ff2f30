# C types of sampling.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.services.counters cimport Share

cdef Share WHOLE


@cython.final
cdef class Sampling:
    cdef object _dice
    cdef int64_t _every, _left
    cdef Share _plain, _told
    cdef readonly Share orphan
    cdef readonly bint samples

    cpdef keep(self, double weight, int64_t every)
    cpdef Share share(self)
    cdef int64_t _next(self) except? -7
