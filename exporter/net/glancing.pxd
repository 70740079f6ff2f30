# C types of glancing.py; without this file the same code runs as plain Python.
from libc.stdint cimport int64_t

from exporter.net.frames cimport Frame


cdef class Glancing:
    cdef bint glance(self, int direction, Frame frame) except -1
    cpdef shorten(self, int64_t size_bytes)
    cpdef unheard(self, int direction, int64_t size_bytes, int64_t at)
