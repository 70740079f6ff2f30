# C types of sampling.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.model cimport Exchange, Message
from exporter.services.counters cimport Share

cdef Share WHOLE
cdef int64_t LAST, MEMORY, MULTIPLIER, MODULUS
cdef double TIMED_PART


@cython.final
cdef class Window:
    cdef readonly int64_t start
    cdef public int64_t end
    cdef readonly double weight
    cdef readonly int64_t cycle, cycle_end, cycle_lasts, looked, tail
    cdef public double requests
    cdef readonly double passed
    cdef public Share untold


@cython.final
cdef class Sampling:
    cdef int64_t _random, _every, _left, _whole_since
    cdef double _loss
    cdef Share _plain, _told_plainly
    cdef list _windows, _starts
    cdef Window _last
    cdef readonly bint samples

    cpdef look(self, Window window)
    @cython.locals(latest=Window)
    cpdef end(self, int64_t at)
    @cython.locals(window=Window, start=int64_t, lost=double)
    cpdef double cut(self, int64_t at) except? -7
    cpdef keep(self, double loss, int64_t every)
    @cython.locals(window=Window)
    cpdef double weight(self, int64_t at) except? -7
    @cython.locals(request=Message, response=Message, asked=int64_t, answered=int64_t, every=double, requests=double,
                   responses=double, durations=double, window=Window)
    cpdef Share share(self, Exchange exchange, bint orphan)
    @cython.locals(every=double)
    cpdef Share turned(self, int64_t asked, int64_t answered)
    @cython.locals(window=Window, requests=double, durations=double)
    cdef Share _both(self, int64_t asked, int64_t answered, int64_t ended, double every)
    cdef Share _untold(self, Window window, double weight)
    @cython.locals(later=Window, duration=int64_t, together=bint, apart=double)
    cdef double _timed(self, Window window, int64_t asked, int64_t answered) except? -7
    @cython.locals(last=Window, found=Window)
    cdef Window _window(self, int64_t at)
    cdef _settle(self)
    cdef int64_t _told(self) except? -7
    cdef int64_t _next(self) except? -7
