"""Where the exchanges of connections go; the protocols know nothing else of the layers above."""

from typing import Protocol

from exporter.model import Exchange, Flow, Nanoseconds


class Recorder(Protocol):
    """Takes the exchanges of one connection."""

    def record(self, exchange: Exchange) -> None:
        """Count one exchange."""
        ...

    def close(self, at: Nanoseconds) -> None:
        """The connection ended."""
        ...


class Observer(Protocol):
    """Makes the recorder of a connection once its protocol and sides are known."""

    def recognised(self, flow: Flow, protocol: str) -> Recorder:
        """Return where the exchanges of `flow` go; `flow.client` and `flow.server` are final."""
        ...

    def unparsable(self, flow: Flow, protocol: str) -> None:
        """Count a connection whose bytes turned out not to be what they were recognised as."""
        ...
