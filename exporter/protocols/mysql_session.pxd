# C types of mysql_session.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Asked:
    cdef readonly int command
    cdef readonly object operation, statement
    cdef readonly tuple planned


@cython.final
cdef class MysqlSession:
    cdef public int phase
    cdef public object attributed, classic
    cdef readonly object changes
    cdef public bint uploading, compressing
    cdef public bytes rest
    cdef readonly object asked
    cdef dict _prepared
    cdef object _latest

    cpdef agree(self, int64_t capabilities)
    cpdef ask(self, Asked asked)
    cpdef Asked next(self)
    cpdef preparing(self, operation)
    cpdef prepared(self, int64_t number, operation)
    cpdef operation(self, int64_t number)
    cpdef close(self, int64_t number)
    cpdef forget(self, bint all_asked)
