# C types of tls_hello.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.locals(at=int64_t)
cpdef server_name(bytes body)
@cython.locals(at=int64_t, version=int64_t)
cpdef server_hello(bytes body)
cdef int64_t _number(bytes data, int64_t at, int64_t size) except? -7
