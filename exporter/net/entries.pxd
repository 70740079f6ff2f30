# C types of entries.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t
from exporter.net.octets cimport acquire, little32

cdef int64_t STAMP, SENT, COPIED, PACKET, BUSY, DISCARDED, LENGTH

cpdef inline int64_t size_of(int64_t word) noexcept
@cython.locals(word=int64_t)
cpdef int64_t length_of(const unsigned char[::1] view, int64_t at) except? -7
@cython.locals(number=int64_t, first=int64_t, last=int64_t, word=int64_t, following=int64_t)
cpdef tuple survey(const unsigned char[::1] view, int64_t at, int64_t end)
@cython.locals(word=int64_t)
cpdef int64_t moment(const unsigned char[::1] view, int64_t at, int64_t end, int64_t number) except? -7
cpdef inline int64_t stamp(const unsigned char[::1] view, int64_t at) except? -7
