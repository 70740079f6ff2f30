# C types of http2_headers.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class HeaderDecoder:
    cdef readonly object _entries  # read of other decoders, as the two below
    cdef set _shapes
    cdef list _names
    cdef list _guesses
    cdef readonly int64_t _fresh
    cdef readonly int64_t _lasting
    cdef int64_t _blocks
    cdef bint _doubted

    cpdef forget(self)
    cpdef doubt(self)
    @cython.locals(values=dict, whole=bint)
    cpdef decode(self, bytes block, bint torn=*)
    @cython.locals(values=dict, whole=bint, guess=HeaderDecoder, told=list, fitting=list)
    cdef _decode_in_doubt(self, bytes block, bint torn)
    cdef bint _fits(self, list names)
    @cython.locals(at=int64_t, end=int64_t, first=int)
    cdef bint _read(self, bytes block, dict values) except? -1
    @cython.locals(entry=tuple)
    cdef tuple _entry(self, int64_t index)
    @cython.locals(inserted=bint, begin=int64_t, size=int64_t, coded=bint, field=int64_t)
    cdef _literal(self, bytes block, int64_t at, dict values)


cdef bint _in_order(list names)
cdef _headers(dict values)
cdef dict _agreed(list told)
@cython.locals(value=int64_t, shift=int, more=int64_t)
cdef _integer(bytes block, int64_t at, int mask)
@cython.locals(coded=int, size=int64_t)
cdef _string(bytes block, int64_t at)
