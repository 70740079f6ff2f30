# C types of ends.py; without this file the same code runs as plain Python.
cimport cython


@cython.final
cdef class SocketIndex:
    cdef dict _entries, _connections, _listeners
    cdef public set changed

    @cython.locals(entries=dict, listeners=dict, fresh=list)
    cpdef update(self, sockets, services)
    @cython.locals(connections=dict)
    cdef _change(self, gone, list fresh)
    cdef _put(self, dict connections, key, one, str service)
