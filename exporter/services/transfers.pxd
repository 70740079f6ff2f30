# C types of transfers.py; without this file the same code runs as plain Python.
cimport cython

from exporter.services.tally cimport Tally
from exporter.services.tcpsocket cimport TcpSocket

cdef int ESTABLISHED, LISTEN


@cython.final
cdef class Transfers:
    cdef int _max_parties
    cdef dict _tallies, _waiting, _left
    cdef object _sockets
    cdef bint _looked
    cdef double _now
    cdef readonly int folded

    @cython.locals(socket=TcpSocket)
    cpdef update(self, look, finder, changed, double now)
    @cython.locals(socket=TcpSocket, notice=TcpSocket)
    cpdef close(self, notices, finder)
    @cython.locals(socket=TcpSocket)
    cpdef dict totals(self)
    @cython.locals(socket=TcpSocket)
    cdef _count_all(self)
    @cython.locals(socket=TcpSocket)
    cdef _find(self, finder, changed)
    cdef Tally _tally(self, party)
