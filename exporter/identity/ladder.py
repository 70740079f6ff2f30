"""The naming ladder: the first step that knows a name gives it."""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.identity import container, environment, executable, interpreters, known, kubernetes, systemd, title
from exporter.identity.facts import OTHER, Name, NameSource, ProcessFacts


@dataclass(frozen=True, slots=True)
class Step:
    """One step: where its names come from, and the name or an empty string."""

    source: NameSource
    name: Callable[[ProcessFacts], str]


STEPS: tuple[Step, ...] = (
    Step(NameSource.ENVIRONMENT, environment.name),
    Step(NameSource.KUBERNETES, kubernetes.name),
    Step(NameSource.CONTAINER, container.name),
    Step(NameSource.SYSTEMD, systemd.name),
    Step(NameSource.APPLICATION, known.name),
    Step(NameSource.INTERPRETER, interpreters.name),
    Step(NameSource.TITLE, title.name),
    Step(NameSource.EXECUTABLE, executable.name),
)
"""In order. An interpreter that runs nothing nameable has no executable's name: its parent decides."""

UNNAMED = Name(OTHER, NameSource.OTHER)


def own_name(facts: ProcessFacts) -> Name:
    """Return a process's name by its own facts, `~other` where they say nothing."""
    for step in STEPS:
        text = step.name(facts)
        if text:
            return Name(text, step.source)
    return UNNAMED
