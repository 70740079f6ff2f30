"""What the operations of each known protocol are."""

from exporter.protocols import PROTOCOLS, UNKNOWN
from exporter.protocols.base import Family

FAMILIES = {spec.name: spec.family for spec in (*PROTOCOLS, UNKNOWN)}
LABELS = {spec.name: spec.label for spec in (*PROTOCOLS, UNKNOWN)}


def family_of(protocol: str) -> Family:
    """Return what the operations of a protocol are, by its name."""
    return FAMILIES[protocol]


def label_of(protocol: str) -> str:
    """Return the `protocol` label's value of a protocol, by its name."""
    return LABELS.get(protocol, protocol)
