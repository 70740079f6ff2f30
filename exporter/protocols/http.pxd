# C types of http.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.backlog cimport Backlog
from exporter.protocols.fifo cimport Fifo
from exporter.protocols.http_head cimport body_of, head_end, method_of, operation_of, status_of, target_of
from exporter.protocols.http_side cimport Side
from exporter.protocols.pieces cimport line_feed, octet, piece

cdef int HEAD, BODY, CHUNK_LINE, CHUNK, TRAILER, UNTIL_CLOSE, LOST, ASKED_PLAIN, ASKED_HEAD, ASKED_CONNECT, CLIENT
cdef int64_t MAX_CHUNK_LINE_BYTES, MAX_MALFORMED
cdef int64_t CHUNKED, NO_LENGTH
cdef object REQUEST, RESPONSE, CHANGING
cdef bytes TRACED
cdef int NO_BODY
cdef int64_t MAX_BODY_BYTES
cdef tuple STATUSES
cdef list NO_MESSAGES


@cython.final
cdef class HttpParser:
    cdef tuple _sides
    cdef Fifo _asked
    cdef bytes _rest
    cdef list _out
    cdef bint _values

    @cython.locals(side=Side, position=int64_t, end=int64_t, reached=int64_t)
    cpdef feed(self, int direction, bytes data, int64_t at)
    @cython.locals(side=Side, known=bint)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    @cython.locals(side=Side)
    cpdef int64_t skippable(self, int direction) except? -7
    cpdef left(self)
    @cython.locals(side=Side)
    cpdef finish(self, int64_t at)
    @cython.locals(out=list)
    cdef list _told(self)
    @cython.locals(state=int, taken=int64_t)
    cdef int64_t _step(self, Side side, int direction, buffer, int64_t start, int64_t at) except? -7
    @cython.locals(end=int64_t, unread=int64_t, head=bytes, line=bytes, first_at=int64_t, known=bint)
    cdef int64_t _head(self, Side side, int direction, buffer, int64_t start, int64_t at) except? -7
    @cython.locals(method=bytes, asked=int)
    cdef bint _request_head(self, Side side, bytes line, bytes head, int64_t first_at) except? -1
    @cython.locals(status=int, asked=int, length=int64_t)
    cdef bint _response_head(self, Side side, bytes line, bytes head, int64_t first_at) except? -1
    @cython.locals(end=int64_t, line=bytes, size=int64_t)
    cdef int64_t _line(self, Side side, int direction, buffer, int64_t start) except? -7
    cdef _after_bytes(self, Side side, int direction)
    @cython.locals(asker=Side, status=str)
    cdef _complete(self, Side side, int direction)
    cdef _emit_request(self, Side side)
    @cython.locals(line=bytes, method=bytes, first_at=int64_t, status=int)
    cdef bint _cut_head(self, Side side, int direction, int64_t at) except? -1
    @cython.locals(side=Side)
    cdef _end_unbounded(self)
    cdef int64_t _malformed(self, Side side, int direction, int64_t end) except? -7
    cdef _lose(self, Side side, int direction)
    cdef bint _rejoin(self, Side side, int direction, bytes data) except? -1


cdef _telling(Side side)
cdef int64_t _chunk_size(bytes line) except? -7
