# C types of postgres_session.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

cdef tuple CHANGING


@cython.final
cdef class Names:
    cdef dict _operations

    cpdef put(self, bytes name, operation)
    cpdef get(self, bytes name)


@cython.final
cdef class PostgresSession:
    cdef public bint starting, negotiating, fresh
    cdef public bytes rest
    cdef public object login
    cdef readonly object awaited, planned, changes
    cdef readonly Names statements, portals

    cpdef expect(self, what)
    cpdef expect_change(self, what, tuple planned)
    cpdef plan(self, int number)
    cpdef answered(self)
    cpdef begin_copy(self)
    cpdef next(self)
    cpdef forget(self)
