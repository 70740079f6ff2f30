"""Step 1: the name that a developer or an OpenTelemetry or Datadog agent gave in the environment."""

from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean

VARIABLES = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "DD_SERVICE")
"""All that is ever read of a process's environment; any other variable may be a secret."""


def name(facts: ProcessFacts) -> str:
    """Return the declared name, or an empty string."""
    environment = facts.environment
    declared = (
        environment.get("OTEL_SERVICE_NAME", ""),
        _resource_attribute(environment.get("OTEL_RESOURCE_ATTRIBUTES", "")),
        environment.get("DD_SERVICE", ""),
    )
    return next((clean(text) for text in declared if clean(text)), "")


def _resource_attribute(attributes: str) -> str:
    """Return `service.name` of `key=value,key=value`."""
    for pair in attributes.split(","):
        key, _, value = pair.partition("=")
        if key.strip() == "service.name":
            return value.strip()
    return ""
