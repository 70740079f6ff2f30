"""What a service is made of at one moment: what changes when somebody deploys, configures or restarts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Change(StrEnum):
    """What became different; the `change` label's value."""

    EXECUTABLE = "executable"
    COMMAND_LINE = "command_line"
    IMAGE = "image"
    UNIT = "unit"
    CONFIG = "config"
    PORT = "port"
    DEPENDENCY = "dependency"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of an instance: a process, told from later ones with its number."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that an instance is made of.

    Attributes:
        change: what it is a change of when there is another one.
        value: what tells it from others, such as a file's path, size and time; never shown.
    """

    change: Change
    value: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A service at one moment.

    Attributes:
        instances: the first process of each, and what it is made of.
        around: what belongs to the service as a whole: its ports and whom it asks.
    """

    instances: Mapping[Start, frozenset[Part]] = field(default_factory=dict)
    around: frozenset[Part] = frozenset()


EMPTY = Deployment()
