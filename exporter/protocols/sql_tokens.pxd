# C types of sql_tokens.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.pieces cimport capitals, piece

cdef int END, WORD, NAME, OPEN, CLOSE, COMMA, DOT, SEMICOLON, OTHER
cdef bytes CLASSES, INNER, OPERATOR_BEHIND_HASH
cdef int QUOTE, HASH, DOLLAR, APOSTROPHE, DASH, SLASH, BACKSLASH, BACKTICK


@cython.final
cdef class Tokens:
    cdef bytes _text
    cdef int64_t _end
    cdef bint _escapes
    cdef readonly int kind
    cdef readonly int64_t begin, stop

    @cython.locals(text=bytes, end=int64_t, at=int64_t, byte=int, kind=int)
    cpdef int next(self) except? -7
    @cython.locals(kind=int, begin=int64_t, stop=int64_t, following=int)
    cpdef int peek(self) except? -7
    cpdef bytes word(self)
    cpdef bytes raw(self)
    @cython.locals(text=bytes, end=int64_t, byte=int)
    cdef int64_t _behind_blank(self, int64_t at) except? -7
    @cython.locals(depth=int, close=int64_t, begin=int64_t)
    cdef int64_t _behind_comment(self, int64_t at) except? -7
    @cython.locals(text=bytes, end=int64_t, byte=int)
    cdef int64_t _behind_quote(self, int64_t at, int quote, bint escapes) except? -7
    @cython.locals(text=bytes, end=int64_t, stop=int64_t)
    cdef int64_t _behind_dollars(self, int64_t at) except? -7
    @cython.locals(found=int64_t)
    cdef int64_t _behind(self, bytes mark, int64_t at) except? -7
