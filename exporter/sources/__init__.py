"""Where facts enter: captured packets, capture files, processes, sockets."""

from exporter.sources.errors import SourceError

__all__ = ["SourceError"]
