# C types of glancing.py; without this file the same code runs as plain Python.
from exporter.net.frames cimport Frame


cdef class Glancing:
    cdef bint glance(self, int direction, Frame frame) except -1
