"""Who takes part in the flows of a table, as the outside world knows them.

Compiled with the types of `sides.pxd`.
"""

import cython

from exporter.model import Endpoint
from exporter.net.addresses import address, dotted
from exporter.net.table import FlowTable
from exporter.net.zones import zoned

if not cython.compiled:
    from exporter.net.layout import ADDRESSES, COLD_WORDS, HALF, IPV6_KEY, KEY, PORTS, WORDS, ZONE_SHIFT

MAX_REMEMBERED = 256


class Sides:
    """Names the ends of flows; those of many flows are made once."""

    def __init__(self, table: FlowTable) -> None:
        self.slots, self.cold = table.slots, table.cold
        self._remembered: dict[int, Endpoint] = {}

    def side(self, slot: int, later: int) -> Endpoint:
        """Return one end of a flow: the one whose address comes first in the key, or the later one."""
        base = slot * WORDS
        ports = self.slots[base + PORTS]
        port = ports >> 8 & 0xFFFF if later else ports >> 24 & 0xFFFF
        if ports & IPV6_KEY:
            cold = slot * COLD_WORDS + ADDRESSES + 2 * later
            return Endpoint(zoned(address(self.cold[cold], self.cold[cold + 1]), ports >> ZONE_SHIFT), port)
        key = self.slots[base + KEY]
        number = key & HALF if later else key >> 32
        if ports >> ZONE_SHIFT:
            return Endpoint(zoned(dotted(number), ports >> ZONE_SHIFT), port)
        known = self._remembered.get(number << 16 | port)
        if known is None:
            if len(self._remembered) == MAX_REMEMBERED:
                self._remembered.clear()
            known = Endpoint(dotted(number), port)
            self._remembered[number << 16 | port] = known
        return known
