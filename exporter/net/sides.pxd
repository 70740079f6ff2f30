# C types of sides.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport ADDRESSES, COLD_WORDS, HALF, IPV6_KEY, KEY, PORTS, WORDS, ZONE_SHIFT

cdef int MAX_REMEMBERED


@cython.final
cdef class Sides:
    cdef uint64_t[::1] slots, cold
    cdef dict _remembered

    @cython.locals(base=int64_t, ports=uint64_t, port=int64_t, cold=int64_t, key=uint64_t, number=uint64_t)
    cdef side(self, int64_t slot, int later)
