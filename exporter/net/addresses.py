"""Addresses in text."""

from socket import AF_INET6, inet_ntop

MAPPED_PREFIX = 0xFFFF
OCTETS = tuple(map(str, range(256)))


def address(high: int, low: int) -> str:
    """Return an address of two 64-bit halves in text; an IPv4-mapped one as IPv4."""
    if high == 0 and low >> 32 == MAPPED_PREFIX:
        return dotted(low & 0xFFFFFFFF)
    return inet_ntop(AF_INET6, high.to_bytes(8, "big") + low.to_bytes(8, "big"))


def dotted(number: int) -> str:
    """Return an IPv4 address in text."""
    octets = OCTETS  # looked up, as each of very many connections has an address of its own
    return f"{octets[number >> 24]}.{octets[number >> 16 & 255]}.{octets[number >> 8 & 255]}.{octets[number & 255]}"
