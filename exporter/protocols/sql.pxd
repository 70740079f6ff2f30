# C types of sql.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.pieces cimport piece
from exporter.protocols.sql_query cimport Query, name_at
from exporter.protocols.sql_tokens cimport Tokens

cdef int CLOSE, END, NAME, OPEN, SEMICOLON, WORD


cdef int64_t LONGEST_HOW
cdef dict _latest, _names


@cython.locals(begin=bytes)
cpdef operation_of(bytes statement, bint escapes=*)
@cython.locals(tokens=Tokens, kind=int, verb=bytes)
cdef _read(bytes statement, bint escapes)
@cython.locals(told=str)
cdef _named(bytes deed, bytes table, bytes said)
@cython.locals(table=bytes, inner=bytes)
cdef tuple _deed(Tokens tokens, bytes verb)
@cython.locals(query=Query)
cdef tuple _queried(Tokens tokens, bytes verb)
@cython.locals(depth=int)
cdef bytes _inner(Tokens tokens)
@cython.locals(kind=int, query=Query, word=bytes)
cdef bytes _table(Tokens tokens, bytes verb)
@cython.locals(kind=int)
cdef bytes _defined(Tokens tokens)
