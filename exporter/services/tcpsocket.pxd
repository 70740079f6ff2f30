# C types of tcpsocket.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t, uint64_t

from exporter.services.tally cimport Tally


@cython.final
cdef class TcpSocket:
    cdef public uint64_t cookie
    cdef public int64_t inode, uid, received, sent, resent, rtt_us, delivery_rate, round
    cdef public int family, state, local_port, remote_port
    cdef public bytes local, remote
    cdef public Tally tally
    cdef public int64_t counted_received, counted_sent, counted_resent
    cdef public double first_at
    cdef public bint ended

    @cython.locals(tally=Tally)
    cpdef count(self)
