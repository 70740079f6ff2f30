# C types of tls_records.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.locals(first=int, size=int64_t)
cpdef int64_t record_size(buffer, int64_t start) except? -7
@cython.locals(size=int64_t)
cpdef int64_t old_hello_size(buffer, int64_t start) except? -7
@cython.locals(size=int64_t, kind=int)
cpdef tuple measure(buffer, int64_t start)
@cython.locals(size=int64_t)
cpdef tuple measure_data(buffer, int64_t start)
cpdef begins_hello(bytes data, int message)
