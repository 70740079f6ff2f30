# C types of account.py; without this file the same code runs as plain Python.
cimport cython

from exporter.model cimport Exchange
from exporter.protocols.lane cimport Counting, Turn
from exporter.services.counters cimport Edge, Share, Side
from exporter.services.histogram cimport bucket
from exporter.services.sampling cimport Sampling

cdef Share WHOLE


# Not final: Cython then refuses to override what its base declares.
cdef class Account(Counting):
    cdef readonly object flow
    cdef readonly str protocol, client, server
    cdef readonly double opened_at
    cdef readonly Side held
    cdef public bint closed
    cdef readonly tuple targets
    cdef bint _asked
    cdef Sampling _sampling
    cdef object _on_close

    @cython.locals(share=Share)
    cpdef record(self, Exchange exchange)
    @cython.locals(share=Share, place=int, side=Side, edge=Edge)
    cpdef count(self, Turn turn)
    cpdef close(self, _at)
    cpdef find(self, places)
    cpdef settle(self, traffic)
