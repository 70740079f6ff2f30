# C types of counters.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Exchange, Message

cdef object HTTP, NAMES, PUSH, CHANGED
cdef str SUCCESS


@cython.final
cdef class Share:
    cdef public double weight, requests, operations


@cython.final
cdef class Operations:
    cdef readonly object family
    cdef readonly int64_t cap
    cdef readonly dict counts
    cdef public double folded

    @cython.locals(request=Message)
    cpdef add(self, Exchange exchange, double weight=*)
    @cython.locals(response=Message)
    cdef _status_class(self, Exchange exchange)
    @cython.locals(by_class=dict)
    cpdef count(self, operation, str status_class, double exchanges)
    cpdef merge(self, Operations other)


@cython.final
cdef class Side:
    cdef readonly Operations operations
    cdef public double requests, errors, request_bytes, response_bytes, cache_hits, cache_misses, duration_sum
    cdef public list durations
    cdef public object business

    @cython.locals(request=Message, response=Message, weight=double, duration=int64_t)
    cpdef add(self, Exchange exchange, Share share=*)
    cdef _change(self, tuple changes, double weight)
    cpdef merge(self, Side other)


@cython.final
cdef class Edge:
    cdef public double requests, errors, duration_sum, durations

    @cython.locals(request=Message, response=Message, weight=double)
    cpdef add(self, Exchange exchange, Share share=*)
    cpdef merge(self, Side side)
