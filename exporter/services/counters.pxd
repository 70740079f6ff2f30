# C types of counters.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Exchange, Message
from exporter.protocols.lane cimport Turn
from exporter.services.histogram cimport bucket
from exporter.services.operations cimport Operations

cdef object PUSH, CHANGED
cdef str SUCCESS


@cython.final
cdef class Share:
    cdef public double requests, responses, durations, operations


@cython.final
cdef class Side:
    cdef readonly Operations operations
    cdef public double requests, errors, request_bytes, response_bytes, cache_hits, cache_misses, duration_sum
    cdef public list durations
    cdef public object business
    cdef public dict traced
    cdef public dict certificates

    @cython.locals(request=Message, response=Message, duration=int64_t, place=int)
    cpdef add(self, Exchange exchange, Share share=*)
    cpdef turn(self, Turn turn, Share share, int place)
    cdef _answer(self, Message response, double weight)
    cdef _change(self, tuple changes, double weight)
    cdef _certify(self, str server_name, int64_t not_after)
    cpdef merge(self, Side other)
    @cython.locals(copied=Side)
    cpdef copy(self)


@cython.final
cdef class Edge:
    cdef public double requests, errors, duration_sum, durations

    @cython.locals(request=Message, response=Message)
    cpdef add(self, Exchange exchange, Share share=*)
    cpdef turn(self, Turn turn, Share share, int _place)
    cpdef merge(self, Side side)
