# C types of postgres.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.postgres_backend cimport Backend
from exporter.protocols.postgres_frontend cimport Frontend
from exporter.protocols.postgres_session cimport PostgresSession

cdef int CLIENT


@cython.final
cdef class PostgresParser:
    cdef PostgresSession _session
    cdef Frontend _frontend
    cdef Backend _backend
    cdef int64_t _malformed

    cpdef feed(self, int direction, bytes data, int64_t at)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    cpdef int64_t skippable(self, int direction) except? -7
    cpdef left(self)
    cpdef finish(self, int64_t at)
