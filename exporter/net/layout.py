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

# Words of a slot. Those per direction come in pairs: the client's, then the server's.
STATE = 5
SEEN = 6  # capture time of the last packet
OPENED = 7  # capture time of the first
NEXT = 8  # initial sequence number << 32 | the next byte's sequence number
SKIP = 10  # further bytes that the consumer need not see
SKIPPED = 12  # bytes left out that were not yet reported
SKIPPED_AT = 14  # capture time of the last of those
WORDS = 16

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
HALF = 0xFFFFFFFF
