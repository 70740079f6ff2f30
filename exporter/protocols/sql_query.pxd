# C types of sql_query.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.sql_tokens cimport Tokens

cdef int CLOSE, COMMA, DOT, END, NAME, OPEN, SEMICOLON, WORD
cdef int NO_WORD, OPENING, FROM, JOIN, INTO, ENDING, ONLY, DEFINING, BETWEEN
cdef bytes WITH, UPDATE, DISTINCT, TABLE
cdef int LONGEST_WORD, MOST_DEPTH
cdef frozenset WRITES
cdef dict WORDS


@cython.locals(following=int)
cpdef bytes name_at(Tokens tokens)


@cython.final
cdef class Query:
    cdef Tokens _tokens
    cdef bint _common, _main, _expects, _opened
    cdef int64_t _depth, _queries, _lists
    cdef bytes _before, _deed, _name
    cdef list _names
    cdef set _known
    cdef readonly bytes verb, table, nested, writes, written

    @cython.locals(tokens=Tokens, kind=int)
    cpdef read(self)
    cdef _open(self)
    cdef _close(self)
    @cython.locals(tokens=Tokens, short=bint, first=bint, word=bytes, meaning=int)
    cdef bint _word(self, int kind) except? -1
    cdef bint _begin(self, bytes word) except? -1
    cdef _from(self)
    @cython.locals(table=bytes)
    cdef _table(self)
