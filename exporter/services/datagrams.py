"""UDP sockets of services, and what arrived at them and found no room."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UdpUse:
    """One service's UDP sockets now, and the datagrams that were dropped as their buffers were full."""

    sockets: int
    dropped: int


class Datagrams:
    """Counts drops per service; counters never fall, though sockets are closed.

    A service that has no UDP socket any more keeps its counter as long as it is known.
    """

    def __init__(self) -> None:
        self._last: dict[int, int] | None = None
        self._dropped: Counter[str] = Counter()
        self._sockets: Counter[str] = Counter()

    def update(self, dropped: Mapping[int, int], services: Mapping[int, str], known: Mapping[str, object]) -> None:
        """Take a reading.

        Args:
            dropped: datagrams that each socket ever dropped, by inode; what there was at the first reading is not
                counted.
            services: by inode.
            known: the services that there are, by name.
        """
        last = dropped if self._last is None else self._last
        self._sockets = Counter(services[inode] for inode in dropped if inode in services)
        for inode, count in dropped.items():
            if inode in services and count > last.get(inode, 0):
                self._dropped[services[inode]] += count - last.get(inode, 0)
        # Of a socket whose owner is not known yet nothing is counted, so that it can be later.
        self._last = {inode: count if inode in services else last.get(inode, 0) for inode, count in dropped.items()}
        for name in [name for name in self._dropped if name not in known]:
            del self._dropped[name]

    def use(self) -> Mapping[str, UdpUse]:
        """Return what is known of every service that has UDP sockets, or had some that dropped."""
        names = self._sockets.keys() | self._dropped.keys()
        return {name: UdpUse(self._sockets[name], self._dropped[name]) for name in sorted(names)}
