# C types of redis_match.py; without this file the same code runs as plain Python.
cimport cython

cdef object NO, NOT_YET, YES
cdef int SHORTEST, MOST_DIGITS, STAR, DOLLAR, RETURN, FEED, ZERO, ONE, NINE

cpdef match(bytes client, bytes server)
cpdef match_client(bytes client)
@cython.locals(size=Py_ssize_t, at=Py_ssize_t, digits=Py_ssize_t, length=Py_ssize_t)
cpdef bint is_known(bytes client)
cpdef match_server(bytes server)
