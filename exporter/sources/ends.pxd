# C types of ends.py; without this file the same code runs as plain Python.
cimport cython


@cython.final
cdef class _Entry:
    cdef object socket, inode, ends
    cdef str service


@cython.final
cdef class SocketIndex:
    cdef dict _entries, _connections, _listeners
    cdef public set changed

    @cython.locals(entries=dict, owned=dict, listeners=dict, fresh=list, entry=_Entry, service=str)
    cpdef update(self, sockets, services)
    @cython.locals(connections=dict, entry=_Entry)
    cdef _change(self, gone, list fresh)
    @cython.locals(before=_Entry, entry=_Entry)
    cdef _put(self, dict connections, key, one, str service)
