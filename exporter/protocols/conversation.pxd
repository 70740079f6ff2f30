# C types of conversation.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.net.frames cimport Frame
from exporter.net.glancing cimport Glancing
from exporter.protocols.lane cimport Counting, Lane, Turn
from exporter.protocols.pairing cimport Pairing


# Not final: Cython then refuses to override what its base declares.
cdef class Conversation(Glancing):
    cdef int _flip, _mistakes, _fed_side
    cdef int64_t _fed_at
    cdef bint _asked, _short, _whole
    cdef Lane _lane
    cdef Counting _counting
    cdef Turn _turn
    cdef object _flow, _observer, _specs, _spec, _parser, _recorder, _recognition, _spoken, _estimates, _head, _conjectures
    cdef Pairing _pairing

    cpdef int64_t data(self, int direction, bytes payload, int64_t at) except? -7
    @cython.locals(lane=Lane, turn=Turn)
    cdef bint glance(self, int direction, Frame frame) except -1
    @cython.locals(fit=bint, lane=Lane, counting=Counting)
    cdef _find_lane(self)
    cdef _leave_lane(self, Lane lane)
    cpdef int64_t gap(self, int direction, int64_t size_bytes, int64_t at) except? -7
    cpdef end(self, reason, int64_t at)
    @cython.locals(harmless=bint, told_by_head=bint)
    cdef _miss(self, int side, int64_t size_bytes, int64_t at, bint is_tail)
    cdef _replay(self, chunk, int side)
    cdef _doubt(self, int side, int64_t size_bytes, int64_t since)
    cdef _advance(self, int side, bytes payload, int64_t at)
    cdef _recognise(self, recognition, int side, bytes payload, int64_t at)
    cdef _adopt(self, recognition, verdict, int64_t at)
    cdef _settle(self, recognition, int64_t at)
    cpdef shorten(self, int64_t size_bytes)
    cdef _replay_all(self, chunks, int swapped)
    cpdef unheard(self, int direction, int64_t size_bytes, int64_t at)
    cdef _overhear(self, int side, int64_t size_bytes, int64_t at)
    cdef _parse(self, int side, bytes payload, int64_t at)
    cdef _disown(self, int side, bytes payload, int64_t at)
    cdef _begin_anew(self, int side, bytes rest, int64_t at)
    cdef _fresh_recognition(self)
    cdef _leave(self, int64_t at)
    cdef _close(self, int64_t at)
    cdef int64_t _skippable(self, int direction) except? -7
    cdef _take(self, messages)
    cdef _take_begun(self, messages, bint ended)
    cpdef _record(self, exchange)
