# C types of http_side.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog

cdef int HEAD, BODY, CHUNK_LINE, UNTIL_CLOSE, ASKED_PLAIN
cdef int64_t CHUNKED, MAX_BODY_BYTES
cdef int NO_BODY


@cython.final
cdef class Side:
    cdef Backlog backlog
    cdef int asks, state, status
    cdef int64_t left, first_at, last_at, size, seen, malformed
    cdef object operation
    cdef bint emitted, endless, guessed
    cdef int kind
    cdef bytes body, trace

    cdef begin(self, int64_t first_at, int64_t size)
    cdef expect(self, int64_t length)
    cdef keep(self, bytes data)
    cdef inline bint open(self)
