# C twins of layout.py, as constants that the C compiler sees; a test compares the two.
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #define LARIMAR_CLIENT_LATER ((uint64_t)0x1u)
    #define LARIMAR_SURE ((uint64_t)0x2u)
    #define LARIMAR_EMBRYONIC ((uint64_t)0x4u)
    #define LARIMAR_CLOSED ((uint64_t)0x8u)
    #define LARIMAR_IGNORED ((uint64_t)0x10u)
    #define LARIMAR_PRESENT ((uint64_t)0x20u)
    #define LARIMAR_KNOWN ((uint64_t)0x80u)
    #define LARIMAR_FINISHED ((uint64_t)0x200u)
    #define LARIMAR_HELD ((uint64_t)0x800u)
    #define LARIMAR_TURNS ((uint64_t)0x1000u)
    #define LARIMAR_SWAPPED ((uint64_t)0x2000u)
    #define LARIMAR_REPORTED ((uint64_t)0x4000u)
    #define LARIMAR_BLIND ((uint64_t)0x8000u)
    #define LARIMAR_UNSURE ((uint64_t)0x10000u)
    #define LARIMAR_DOUBLED ((uint64_t)0x40000u)
    #define LARIMAR_MIDST ((uint64_t)0x1e0u)
    #define LARIMAR_DISTURBED ((uint64_t)0xe1cu)
    #define LARIMAR_HALF ((uint64_t)0xffffffffu)
    #define LARIMAR_IPV6_KEY ((uint64_t)0x10000000000ull)
    """
    const uint64_t CLIENT_LATER "LARIMAR_CLIENT_LATER"
    const uint64_t SURE "LARIMAR_SURE"
    const uint64_t EMBRYONIC "LARIMAR_EMBRYONIC"
    const uint64_t CLOSED "LARIMAR_CLOSED"
    const uint64_t IGNORED "LARIMAR_IGNORED"
    const uint64_t PRESENT "LARIMAR_PRESENT"
    const uint64_t KNOWN "LARIMAR_KNOWN"
    const uint64_t FINISHED "LARIMAR_FINISHED"
    const uint64_t HELD "LARIMAR_HELD"
    const uint64_t TURNS "LARIMAR_TURNS"
    const uint64_t SWAPPED "LARIMAR_SWAPPED"
    const uint64_t REPORTED "LARIMAR_REPORTED"
    const uint64_t BLIND "LARIMAR_BLIND"
    const uint64_t UNSURE "LARIMAR_UNSURE"
    const uint64_t DOUBLED "LARIMAR_DOUBLED"
    const uint64_t MIDST "LARIMAR_MIDST"
    const uint64_t DISTURBED "LARIMAR_DISTURBED"
    const uint64_t HALF "LARIMAR_HALF"
    const uint64_t IPV6_KEY "LARIMAR_IPV6_KEY"

cdef enum:
    ZONE_SHIFT = 41
    SEGMENT = 0
    DATAGRAM = 1
    FRAGMENT = 2
    OTHER = 3
    TRUNCATED = 4
    MALFORMED = 5
    NESTED = 6
    UNKNOWN_LINK = 7
    ETHERTYPE = 65536
    TRANSPORT = 131072
    IPV4 = 67584
    IPV6 = 100061
    ETHERNET = 91480
    TCP = 6
    UDP = 17
    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16
    KEY = 0
    PORTS = 1
    STATE = 2
    SEEN = 3
    NEXT = 4
    SKIP = 5
    ASKED = 5
    TOLD = 6
    SIZES = 7
    WORDS = 8
    ADDRESSES = 0
    OPENED = 4
    INITIAL = 5
    SKIPPED = 6
    SKIPPED_AT = 8
    TOKEN = 6
    HANDSHAKE = 10
    COLD_WORDS = 11
    SLOT_BYTES = 176
