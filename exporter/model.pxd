# C types of model.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
@cython.no_gc  # text and numbers make no cycle, and very many of these live
cdef class Endpoint:
    cdef readonly str address
    cdef readonly int port


@cython.final
@cython.no_gc
cdef class Flow:
    cdef readonly Endpoint client, server
    cdef readonly str transport
    cdef readonly bint sure


@cython.final
@cython.no_gc
cdef class TlsFacts:
    cdef readonly str server_name, version, alpn
    cdef readonly int64_t not_after


@cython.final
cdef class Message:
    cdef readonly object kind
    cdef readonly int64_t first_at, last_at, size_bytes
    cdef readonly object operation
    cdef readonly str status
    cdef readonly bint failed
    cdef readonly object correlation
    cdef readonly int64_t hits, misses
    cdef readonly object tls
    cdef readonly bint waits
    cdef readonly tuple changes
    cdef readonly bytes trace


@cython.final
cdef class Exchange:
    cdef readonly Message request, response
    cdef readonly bint timed
