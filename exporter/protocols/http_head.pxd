# C types of http_head.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Body:
    cdef readonly object framing
    cdef readonly int64_t length


@cython.locals(begin=int64_t, crlf=int64_t, bare=int64_t)
cpdef int64_t head_end(buffer, int64_t start, int64_t scanned) except? -7
cpdef bytes method_of(bytes line)
cpdef int status_of(bytes line) except? -7
@cython.locals(first=int64_t, second=int64_t, value=bytes)
cpdef body_of(bytes fields)
@cython.locals(found=int64_t, end=int64_t, rest=bytes)
cdef bytes _value(bytes fields, bytes name, int64_t start)
