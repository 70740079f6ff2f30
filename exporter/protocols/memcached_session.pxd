# C types of memcached_session.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

cdef int64_t MAX_ASKED
cdef object UNANSWERED


@cython.final
cdef class Asked:
    cdef readonly int64_t lookups, opaque, key
    cdef readonly bint quiet
    cdef readonly object hushed

    cpdef bint fits(self, bytes word, int64_t opaque, int64_t key) except? -1


@cython.final
cdef class MemcachedSession:
    cdef object _asked
    cdef public int64_t missed

    cpdef ask(self, Asked asked, list out)
    @cython.locals(first=Asked)
    cpdef Asked answer(self, bytes word, int64_t opaque, int64_t key, list out)
    cpdef forget(self)
    cdef _pass_over(self, Asked asked, list out)
