# C types of ends.py; without this file the same code runs as plain Python.
cimport cython


@cython.final
cdef class _Entry:
    cdef object ends
    cdef str service


@cython.final
cdef class SocketIndex:
    cdef dict _entries, _keys, _connections, _listeners
    cdef readonly dict listening
    cdef readonly set changed, came, left
    cdef set _pending, _gone

    @cython.locals(keys=dict, listening=dict, came=set, left=set)
    cpdef take(self, look)
    @cython.locals(keys=dict, pending=set, entries=dict, dropped=list, fresh=list, entry=_Entry, service=str)
    cpdef attribute(self, sockets, services, touched)
    @cython.locals(connections=dict, before=_Entry, entry=_Entry)
    cdef _change(self, list dropped, list fresh)
