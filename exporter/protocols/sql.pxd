# C types of sql.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.locals(rest=bytes, word=bytes)
cpdef operation_of(bytes statement)
@cython.locals(depth=int64_t, position=int64_t, end=int64_t, begin=int64_t)
cdef bytes _behind_comment(bytes text)
