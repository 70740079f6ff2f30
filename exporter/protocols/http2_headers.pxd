# C types of http2_headers.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class HeaderDecoder:
    cdef object _entries

    cpdef forget(self)
    @cython.locals(at=int64_t, end=int64_t, first=int, values=dict)
    cpdef decode(self, bytes block)
    cdef tuple _entry(self, int64_t index)
    @cython.locals(inserted=bint, begin=int64_t, size=int64_t, coded=bint, field=int64_t)
    cdef _literal(self, bytes block, int64_t at, dict values)


@cython.locals(value=int64_t, shift=int, more=int64_t)
cdef _integer(bytes block, int64_t at, int mask)
@cython.locals(coded=int, size=int64_t)
cdef _string(bytes block, int64_t at)
