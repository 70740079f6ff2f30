# C types of clocks.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.sources.runclock cimport run_time

cdef int64_t IDLE_EVERY

@cython.locals(found=dict)
cpdef dict processor_times(pids)

@cython.locals(found=dict)
cpdef dict ran_since(pids, times, seen)

@cython.locals(turn=int64_t, found=dict)
cpdef dict due(pids, times, seen, int64_t rounds)
