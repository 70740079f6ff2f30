# C types of redis_lane.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.net.frames cimport Frame
from exporter.protocols.lane cimport Turn

cdef int64_t LINE, MOST_DIGITS, MOST_LINE_BYTES, SHORT
cdef int STAR, DOLLAR, PLUS, MINUS, COLON, TRUTH, DOUBLE, LARGE, NULL
cdef dict COMMANDS


@cython.locals(at=int64_t, end=int64_t, line=int64_t, count=int64_t, number=int64_t, start=int64_t, length=int64_t)
cpdef bint read_command(Frame frame, Turn turn) except -1
@cython.locals(name=int64_t, place=int64_t)
cdef bint _named(Frame frame, int64_t start, int64_t length, Turn turn) except -1
@cython.locals(at=int64_t, end=int64_t, elements=int64_t, nulls=int64_t, left=int64_t, kind=int, line=int64_t,
               stop=int64_t, told=bint)
cpdef bint read_reply(Frame frame, Turn turn) except -1
@cython.locals(plain=bint)
cdef bint _is_none(Frame frame, int64_t at, int64_t end) except -1
@cython.locals(place=int64_t)
cdef int64_t _line(Frame frame, int kind, int64_t at, int64_t end) except? -7
@cython.locals(value=int64_t, stop=int64_t, place=int64_t, octet=int)
cdef int64_t digits(Frame frame, int64_t start, int64_t end) except? -7
