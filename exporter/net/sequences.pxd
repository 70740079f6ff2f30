# C types of sequences.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t
from exporter.net.layout cimport (
    ACK, COLD_WORDS, EMBRYONIC, HALF, INITIAL, KNOWN, NEXT, PRESENT, STATE, WORDS,
)

from exporter.net.frames cimport Frame
from exporter.net.table cimport FlowTable

cdef int64_t WINDOW, PLAUSIBLE_RESET


@cython.final
cdef class Sequences:
    cdef uint64_t[::1] slots, cold

    cdef int expect(self, int64_t base, int direction, uint64_t sequence) except -1
    @cython.locals(place=int64_t)
    cdef int begin(self, int64_t slot, int direction, uint64_t sequence) except -1
    @cython.locals(base=int64_t, state=uint64_t, acknowledged=int64_t, both=uint64_t, behind=int64_t)
    cdef bint early(self, Frame frame, int64_t slot, int other) except? -1
    @cython.locals(base=int64_t, acknowledged=int64_t, missed=int64_t)
    cdef int64_t unheard(self, Frame frame, int64_t slot, int other) except -1
    @cython.locals(state=uint64_t, beside=int64_t)
    cdef bint believable(self, Frame frame, int64_t base, int direction) except? -1
