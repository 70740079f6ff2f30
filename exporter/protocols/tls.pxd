# C types of tls.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport TlsFacts
from exporter.protocols.units cimport Unit, Units

cdef int64_t LATEST_EARLIER


@cython.final
cdef class _Side:
    cdef readonly Units units
    cdef public bytearray hello
    cdef public int64_t first_at, passing, size
    cdef public bint ciphered, finished


@cython.final
cdef class TlsParser:
    cdef tuple _sides
    cdef bint _asked, _holed, _over, _retried
    cdef str _name
    cdef TlsFacts _chosen
    cdef int64_t _told_at, _earlier
    cdef bytes _rest
    cdef list _out

    @cython.locals(side=_Side, unit=Unit, later=Unit, number=int64_t, behind=int64_t)
    cpdef feed(self, int direction, bytes data, int64_t at)
    @cython.locals(side=_Side, unit=Unit, losses=int64_t)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    cpdef skippable(self, int direction)
    cpdef left(self)
    cpdef finish(self, int64_t at)
    @cython.locals(kind=int)
    cdef _record(self, _Side side, int direction, Unit unit)
    cdef _cut_short(self, _Side side, Unit unit)
    @cython.locals(told=TlsFacts)
    cdef _infer_version(self, _Side side, Unit unit)
    @cython.locals(chosen=TlsFacts)
    cdef bint _data(self, int direction, Unit unit) except? -1
    cdef _alert(self, _Side side, Unit unit)
    @cython.locals(at=int64_t, taken=int64_t, whole=int64_t, size=int64_t)
    cdef _handshake(self, _Side side, Unit unit)
    @cython.locals(behind=int64_t, kind=int, size=int64_t, head=bytes)
    cdef int64_t _whole(self, _Side side, Unit unit, int64_t at) except? -7
    @cython.locals(held=int64_t, missing=int64_t, size=int64_t)
    cdef int64_t _collect(self, _Side side, body, Unit unit) except? -7
    @cython.locals(told=TlsFacts)
    cdef _hello(self, _Side side, int kind, bytes message, Unit unit)
    cdef _end(self, str failure)
    cdef _leave(self, bytes data, int64_t behind, Unit unit, int direction)
