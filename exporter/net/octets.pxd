# Unaligned numbers out of bounds-checked views, inlined into the compiled modules; octets.py says the same in Python.
cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define larimar_big16(x) (x)
    #define larimar_big32(x) (x)
    #define larimar_big64(x) (x)
    #define larimar_little32(x) __builtin_bswap32(x)
    #else
    #define larimar_big16(x) __builtin_bswap16(x)
    #define larimar_big32(x) __builtin_bswap32(x)
    #define larimar_big64(x) __builtin_bswap64(x)
    #define larimar_little32(x) (x)
    #endif
    #define larimar_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
    #define larimar_prefetch(x) __builtin_prefetch((const void *)(x))
    """
    uint16_t larimar_big16(uint16_t) noexcept nogil
    uint32_t larimar_big32(uint32_t) noexcept nogil
    uint64_t larimar_big64(uint64_t) noexcept nogil
    uint32_t larimar_little32(uint32_t) noexcept nogil
    void larimar_acquire() noexcept nogil
    void larimar_prefetch(uint64_t *) noexcept nogil


cdef inline int64_t big16(const unsigned char[::1] memory, int64_t at) except -1:
    cdef uint16_t value
    if at < 0 or at + 2 > memory.shape[0]:
        raise IndexError
    with cython.boundscheck(False):  # that was it
        memcpy(&value, &memory[at], 2)
    return larimar_big16(value)


cdef inline int64_t big32(const unsigned char[::1] memory, int64_t at) except -1:
    cdef uint32_t value
    if at < 0 or at + 4 > memory.shape[0]:
        raise IndexError
    with cython.boundscheck(False):  # that was it
        memcpy(&value, &memory[at], 4)
    return larimar_big32(value)


cdef inline uint64_t big64(const unsigned char[::1] memory, int64_t at) except? 7:
    cdef uint64_t value
    if at < 0 or at + 8 > memory.shape[0]:
        raise IndexError
    with cython.boundscheck(False):  # that was it
        memcpy(&value, &memory[at], 8)
    return larimar_big64(value)


cdef inline int64_t little32(const unsigned char[::1] memory, int64_t at) except -1:
    cdef uint32_t value
    if at < 0 or at + 4 > memory.shape[0]:
        raise IndexError
    with cython.boundscheck(False):  # that was it
        memcpy(&value, &memory[at], 4)
    return larimar_little32(value)


cdef inline int prefetch(uint64_t[::1] memory, int64_t at) except -1:
    larimar_prefetch(&memory[at])
    return 0


cdef inline int acquire() except -1:
    larimar_acquire()
    return 0
