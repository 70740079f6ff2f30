"""Finds the interfaces to capture, in every namespace that is followed, and opens rings on those that came.

That may take the kernel long, so it is done without holding anybody up; what was found is taken over later.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from exporter.sources.errors import SourceError
from exporter.sources.interfaces import Interface, Place, interfaces_up, is_inner_end
from exporter.sources.namespaces import Namespaces
from exporter.sources.rings import PacketRing

Opener = Callable[[Interface], PacketRing]
"""Opens a ring on an interface of the namespace that the calling thread is in; raises SourceError where it cannot."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look found.

    Attributes:
        up: the interfaces to capture.
        rings: those that were opened on interfaces that were not captured yet.
        refused: why there is none on others.
        closed_ways: namespaces that could not be entered, and why.
    """

    up: Mapping[Place, Interface] = field(default_factory=dict)
    rings: Mapping[Place, PacketRing] = field(default_factory=dict)
    refused: Mapping[Place, str] = field(default_factory=dict)
    closed_ways: Mapping[int, str] = field(default_factory=dict)


class Scout:
    """Looks for interfaces.

    Args:
        names: the interfaces to capture; all where it is empty.
        namespaces: those to follow beside this process's own; None where that is not wanted.
    """

    def __init__(self, names: Collection[str], namespaces: Namespaces | None) -> None:
        self._names = names
        self._namespaces = namespaces

    @property
    def left_out(self) -> int:
        """Return how many namespaces are not followed because there are too many."""
        return self._namespaces.left_out if self._namespaces is not None else 0

    def look(self, known: Mapping[Place, Interface], open_ring: Opener) -> Found:
        """Return the interfaces that are up, with rings on those that are not known."""
        up: dict[Place, Interface] = {}
        rings: dict[Place, PacketRing] = {}
        refused: dict[Place, str] = {}
        closed_ways: dict[int, str] = {}

        def see(zone: int) -> None:
            for interface in interfaces_up(zone):
                if self._names and interface.name not in self._names:
                    continue
                if zone and is_inner_end(interface.name):  # what passes it is seen outside, by a ring that is larger
                    continue
                up[interface.place] = interface
                if known.get(interface.place) != interface:
                    try:
                        rings[interface.place] = open_ring(interface)
                    except SourceError as error:
                        refused[interface.place] = str(error)

        see(0)
        if self._namespaces is None:
            return Found(up, rings, refused)
        for namespace in self._namespaces.find():
            try:
                self._namespaces.within(namespace, partial(see, namespace.zone))
            except OSError as error:
                closed_ways[namespace.inode] = f"no way into the network namespace {namespace.inode}: {error.strerror}"
        return Found(up, rings, refused, closed_ways)
