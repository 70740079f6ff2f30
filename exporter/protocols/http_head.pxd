# C types of http_head.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.paths cimport outline
from exporter.protocols.pieces cimport line_feed, octet, piece

cdef int64_t MAX_LENGTH_DIGITS
cdef int SPACE, DIGIT_0, DIGIT_9, LF, CR, C, T, LOWER_CASE
cdef bytes VERSION, BLANKS, TRANSFER_ENCODING, CONTENT_LENGTH, NAME_ENDS


@cython.locals(size=int64_t, feed=int64_t, behind=int)
cpdef int64_t head_end(buffer, int64_t start, int64_t scanned) except? -7
@cython.locals(end=int64_t, version=bytes, method=bytes)
cpdef bytes method_of(bytes line)
@cython.locals(begin=int64_t, end=int64_t)
cpdef bytes target_of(bytes line)
cpdef operation_of(bytes method, bytes target)
@cython.locals(version=bytes, behind=bytes)
cpdef int status_of(bytes line) except? -7
@cython.locals(digits=bytes, code=int, digit=int)
cdef int _code(bytes line, int at) except? -7
@cython.locals(length=bytes, value=bytes, feed=int64_t, start=int64_t, initial=int)
cpdef int64_t body_of(bytes head) except? -7
@cython.locals(behind=int64_t, rest=bytes)
cdef bytes _value(bytes head, int64_t start, int64_t end, bytes name)
