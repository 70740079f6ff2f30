# Pieces of bytes and of bytearrays, inlined into the compiled modules; pieces.py says the same in Python.
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_Check, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memchr


cdef inline const unsigned char *memory_of(buffer, int64_t *size) except NULL:
    if PyBytes_Check(buffer):
        size[0] = PyBytes_GET_SIZE(buffer)
        return <const unsigned char *>PyBytes_AS_STRING(buffer)
    if PyByteArray_Check(buffer):
        size[0] = PyByteArray_GET_SIZE(buffer)
        return <const unsigned char *>PyByteArray_AS_STRING(buffer)
    raise TypeError


cdef inline bytes piece(buffer, int64_t start, int64_t end):
    cdef int64_t size = 0
    cdef const unsigned char *memory = memory_of(buffer, &size)
    if end > size:
        end = size
    if start < 0 or start >= end:
        return b""
    if start == 0 and end == size and PyBytes_Check(buffer):
        return <bytes>buffer
    return PyBytes_FromStringAndSize(<const char *>memory + start, end - start)


cdef inline bytes capitals(buffer, int64_t start, int64_t end):
    cdef int64_t size = 0
    cdef int64_t at
    cdef const unsigned char *memory = memory_of(buffer, &size)
    cdef unsigned char byte
    cdef char *written
    cdef bytes told
    if end > size:
        end = size
    if start < 0 or start >= end:
        return b""
    told = PyBytes_FromStringAndSize(NULL, end - start)
    written = PyBytes_AS_STRING(told)
    for at in range(end - start):
        byte = memory[start + at]
        written[at] = <char>(byte - 32 if 97 <= byte <= 122 else byte)
    return told


cdef inline int octet(buffer, int64_t at) except -1:
    cdef int64_t size = 0
    cdef const unsigned char *memory = memory_of(buffer, &size)
    if at < 0 or at >= size:
        raise IndexError
    return memory[at]


cdef inline int64_t big32(buffer, int64_t at) except -1:
    cdef int64_t size = 0
    cdef const unsigned char *memory = memory_of(buffer, &size)
    if at < 0 or at + 4 > size:
        raise IndexError
    return <int64_t>memory[at] << 24 | memory[at + 1] << 16 | memory[at + 2] << 8 | memory[at + 3]


cdef inline int64_t little24(buffer, int64_t at) except -1:
    cdef int64_t size = 0
    cdef const unsigned char *memory = memory_of(buffer, &size)
    if at < 0 or at + 3 > size:
        raise IndexError
    return memory[at] | memory[at + 1] << 8 | memory[at + 2] << 16


cdef inline int64_t line_feed(buffer, int64_t start) except -2:
    cdef int64_t size = 0
    cdef const unsigned char *memory = memory_of(buffer, &size)
    cdef const unsigned char *found
    if start < 0 or start >= size:
        return -1
    found = <const unsigned char *>memchr(memory + start, 10, size - start)
    return -1 if found == NULL else found - memory
