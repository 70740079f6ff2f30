"""The numbers that the modules of the packet path share: verdicts, header fields, the words and bits of a flow's slot.

Not compiled: each compiled module's `.pxd` gives its copies C types.
"""

# Verdicts of `Frame.read`.
SEGMENT = 0
DATAGRAM = 1
FRAGMENT = 2
OTHER = 3
TRUNCATED = 4
MALFORMED = 5
NESTED = 6
UNKNOWN_LINK = 7
# What is to be decoded next, internal to `Frame`: an EtherType or an IP protocol.
ETHERTYPE = 0x10000
TRANSPORT = 0x20000
IPV4 = 0x10800
IPV6 = 0x186DD
ETHERNET = 0x16558  # transparent Ethernet bridging

TCP = 6
UDP = 17

FIN = 1
SYN = 2
RST = 4
ACK = 16

# Words of a slot: one cache line of 64 bytes, which is all that a packet in order touches.
KEY = 0  # IPv4: both addresses; IPv6: both folded, the whole ones lie in the cold words
PORTS = 1  # the earlier endpoint's port << 24 | the later one's << 8 | protocol; IPV6_KEY where the addresses are cold
STATE = 2
SEEN = 3  # capture time of the last packet
NEXT = 4  # the next byte's sequence number of the client in the lower half, of the server in the upper
SKIP = 5  # per direction: further bytes that the consumer need not see
# Of a flow that is paired by turns the same words are:
ASKED = 5  # capture time of the request's first byte; 0 where none is open
TOLD = 6  # capture time of the response's last byte so far; 0 before the first
SIZES = 7  # the request's bytes in the lower half, the response's in the upper
WORDS = 8

# Cold words, in an array of their own. Those per direction come in pairs: the client's, then the server's.
ADDRESSES = 0  # of IPv6, the earlier endpoint's two halves, then the later one's
OPENED = 4  # capture time of the first packet
INITIAL = 5  # initial sequence numbers, halved as in NEXT
SKIPPED = 6  # bytes left out that were not yet reported
SKIPPED_AT = 8  # capture time of the last of those
TOKEN = 6  # of a flow that is paired by turns: what its consumer is known by
HANDSHAKE = 10  # nanoseconds from SYN to SYN-ACK, 0 unless both were seen
COLD_WORDS = 11

SLOT_BYTES = (WORDS + COLD_WORDS + 3) * 8  # with its share of the index: what a flow costs at most here, on average

# Bits of the STATE word; its upper half is the key's hash. A pair of bits is per direction.
CLIENT_LATER = 1  # the client is the later endpoint in the key's order
SURE = 2  # the sides are known by the handshake
EMBRYONIC = 4  # no payload yet
CLOSED = 8  # over; the slot absorbs what the network still repeats
IGNORED = 16  # nobody wants its bytes
PRESENT = 32  # a packet of that direction was seen; PRESENT << 1 for the server's
KNOWN = 128  # NEXT is valid
FINISHED = 512  # FIN in order
HELD = 2048  # segments of either direction wait for earlier bytes
TURNS = 4096  # paired by turns, without the consumer
SWAPPED = 8192  # of a flow paired by turns: the server asks
REPORTED = 16384  # the watcher knows how the connection began
BLIND = 32768  # the consumer needs to hear of each segment, but not what is in it
UNSURE = 65536  # per direction: bytes were lost, and the consumer has not said since what it needs
DOUBLED = 262144  # packets of it were captured twice
# A connection in its midst, both sides followed and nothing awaited, has the first of these and none of the second.
MIDST = PRESENT * 3 | KNOWN * 3
DISTURBED = EMBRYONIC | CLOSED | IGNORED | HELD | FINISHED * 3
HALF = 0xFFFFFFFF
IPV6_KEY = 1 << 40  # of the PORTS word
ZONE_SHIFT = 41  # of the PORTS word: above lies the zone, which keeps apart what has the same addresses elsewhere
