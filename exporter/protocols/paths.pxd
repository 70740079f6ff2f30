# C types of paths.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

cdef bytes ID, SLUG, DATE, EMAIL, FILE, REST, BITS, DATE_SHAPE
cdef int MOST_PARTS, LONGEST_PART, LONGEST_WORD, LEAST_HASH, LEAST_RANDOM, LEAST_MIXED
cdef int DIGIT, HEX, LOWER, UPPER, VOWEL, BREAK, DOT, ODD
cdef int SLASH, QUESTION, HASH, SEMICOLON, V_LOWER


@cython.locals(at=int64_t, end=int64_t, stop=int64_t, parts=list)
cpdef bytes outline(bytes target)
@cython.locals(size=int64_t, at=int64_t, end=int64_t, scheme=int64_t)
cdef tuple _path(bytes target)
@cython.locals(size=int, some=int, every=int, bits=int, at=int64_t)
cdef bytes _part(bytes target, int64_t start, int64_t stop)
@cython.locals(
    size=int, digits=int, hexes=int, uppers=int, vowels=int, breaks=int, dots=int, odds=int, humps=int, before=int,
    bits=int, at=int64_t, letters=int, part=bytes, mixed=bint,
)
cdef bytes _uncommon(bytes target, int64_t start, int64_t stop)
cdef bytes _number(bytes part, int digits)
cdef bint _is_word(int size, int hexes, int vowels, int breaks, bint mixed)
@cython.locals(size=int, words=int, letters=int, word=bytes)
cdef bytes _coded(bytes part, int digits, int hexes, int breaks)
@cython.locals(stem=bytes, extension=bytes)
cdef bytes _dotted(bytes part, int digits, int letters)
