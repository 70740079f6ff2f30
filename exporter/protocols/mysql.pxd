# C types of mysql.py; without this file the same code runs as plain Python.
cimport cython
from libc.stdint cimport int64_t

from exporter.protocols.mysql_commands cimport MysqlCommands
from exporter.protocols.mysql_replies cimport MysqlReplies
from exporter.protocols.mysql_session cimport MysqlSession

cdef int CLIENT


@cython.final
cdef class MysqlParser:
    cdef MysqlSession _session
    cdef MysqlCommands _commands
    cdef MysqlReplies _replies
    cdef int64_t _malformed
    cdef bint _told

    cpdef feed(self, int direction, bytes data, int64_t at)
    cpdef gap(self, int direction, int64_t size_bytes, int64_t at)
    cpdef int64_t skippable(self, int direction) except? -7
    cpdef left(self)
    cpdef finish(self, int64_t at)
