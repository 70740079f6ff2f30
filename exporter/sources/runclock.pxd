# The clock of a process, inlined into the compiled modules; runclock.py says the same in Python.
from libc.stdint cimport int64_t

cdef extern from "<time.h>" nogil:
    struct timespec:
        int64_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *time) noexcept


cdef inline int64_t run_time(int64_t pid) noexcept:
    cdef timespec now
    if clock_gettime(<int>(~pid << 3 | 2), &now):
        return -1
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec
