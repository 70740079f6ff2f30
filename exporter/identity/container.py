"""Step 3: the name that a compose file or a person gave the container."""

import re

from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean

# What Docker and Podman invent where nobody named it: `quirky_hopper`, or the start of the identifier.
_INVENTED = re.compile(r"[a-z]+_[a-z]+\d?|[0-9a-f]{12}|[0-9a-f]{64}")
_NOMAD = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_SWARM_TASK = re.compile(r"\.\d+\.[a-z0-9]{25}$")


def name(facts: ProcessFacts) -> str:
    """Return the container's given name, or an empty string where it has none."""
    container = facts.container
    if container.service:
        return clean(container.service)
    given = _SWARM_TASK.sub("", _NOMAD.sub("", container.name))
    return "" if _INVENTED.fullmatch(given) else clean(given)
