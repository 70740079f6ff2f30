"""Zones: network namespaces whose loopback addresses are their own. A zone is a number, 0 for the exporter's own.

A loopback address of another zone is written with the zone as its suffix, `127.0.0.1%7`, so that nobody takes it for
the same address elsewhere. Other addresses are the same everywhere: packets between namespaces pass through several.
"""

SEPARATOR = "%"
MOST_ZONES = 1 << 23  # what is left of a word of the flow table


def zoned(address: str, zone: int) -> str:
    """Return how an address that is seen in a zone is written."""
    return f"{address}{SEPARATOR}{zone}" if zone and is_loopback(address) else address


def suffix(address: str) -> str:
    """Return the zone's suffix of an address with its separator, empty where it has none."""
    _, separator, zone = address.partition(SEPARATOR)
    return separator + zone


def is_loopback(address: str) -> bool:
    """Return whether an address is of loopback, in whatever zone."""
    return address.startswith("127.") or address.partition(SEPARATOR)[0] == "::1"
