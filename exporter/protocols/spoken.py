"""What servers were last found to speak, for connections that do not tell by themselves."""

from exporter.model import Endpoint
from exporter.protocols.base import ProtocolSpec

MAX_SERVERS = 1024


class Spoken:
    """The protocols of servers whose bytes left no doubt."""

    __slots__ = ("_specs",)

    def __init__(self) -> None:
        self._specs: dict[Endpoint, ProtocolSpec] = {}

    def remember(self, server: Endpoint, spec: ProtocolSpec) -> None:
        """Note what a server speaks, in place of all others if there are too many."""
        if self._specs.get(server) is not spec:
            if len(self._specs) >= MAX_SERVERS:
                self._specs.clear()
            self._specs[server] = spec

    def of(self, server: Endpoint) -> ProtocolSpec | None:
        """Return what a server speaks, None if that is not known."""
        return self._specs.get(server)
