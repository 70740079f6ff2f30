# C types of transfers.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.services.tally cimport Tally
from exporter.services.tcpsocket cimport TcpSocket

cdef int ESTABLISHED, LISTEN


@cython.final
cdef class Shown:
    cdef public int64_t established
    cdef public list others, rtts_us, delivery_rates


@cython.final
cdef class Transfers:
    cdef object _ledger, _sockets
    cdef dict _waiting, _left
    cdef bint _looked
    cdef double _now

    @cython.locals(socket=TcpSocket)
    cpdef update(self, look, finder, changed, double now)
    @cython.locals(socket=TcpSocket, notice=TcpSocket)
    cpdef close(self, notices, finder)
    @cython.locals(socket=TcpSocket, tally=Tally, mine=Shown)
    cpdef show(self, dict shown)
    @cython.locals(socket=TcpSocket)
    cdef _count_all(self)
    @cython.locals(socket=TcpSocket)
    cdef _find(self, finder, changed)
