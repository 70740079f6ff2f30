# C types of pairing.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Exchange, Message
from exporter.protocols.fifo cimport Fifo

cdef object REQUEST, RESPONSE, ONE_WAY, PUSH, UNANSWERED, CHANGED
cdef int64_t TURNS_TO_TRUST, REORDERED, CROSSED, PROVEN, NEVER, UNKNOWN


@cython.final
cdef class Pairing:
    cdef object _record
    cdef Fifo _ordered
    cdef dict _correlated
    cdef object _failures
    cdef object _train
    cdef bint _answer_cut, _behind_cut, _cut, _some_lost, _doubted, _trusted, _was_response
    cdef int64_t _least, _agreed, _serial, _answer_lost, _burst_at, _owed

    @cython.locals(message=Message)
    cpdef take(self, message)
    cpdef bint idle(self) except -1
    cpdef hide(self, train)
    cpdef int64_t awaited(self) except -1
    cpdef bint hiding(self) except -1
    cpdef lengthen(self, requests)
    cpdef bint estimate(self, Message answer) except -1
    @cython.locals(doubted=bint)
    cdef bint calm(self) except -1
    cdef turned(self)
    cpdef lose(self)
    @cython.locals(only=bint)
    cpdef lose_answer(self, int64_t since)
    cpdef bint single(self) except -1
    @cython.locals(request=Message)
    cpdef presume(self, int64_t size_bytes)
    cpdef cut(self, bint asking)
    cpdef finish(self)
    @cython.locals(was_response=bint, lost=bint, waiting=int64_t)
    cdef _request(self, Message request)
    @cython.locals(first=Message, request=Message, timed=bint)
    cdef _response(self, Message response)
    cdef bint _is_sure(self) except -1
    @cython.locals(request=Message, timed=bint)
    cdef _correlated_response(self, Message response, correlation)
    cdef _correlate(self, Message request, correlation)
    cdef _answer(self, Message request, Message response, bint timed, int64_t crossed)
    cdef _hidden_request(self, train, correlation)
    cdef _learn(self, Message request, Message response)
    cdef _flush_ordered(self)
