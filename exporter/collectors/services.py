"""Which services there are, and how they came by their names."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from exporter.identity.facts import ServiceIdentity

NATIVE = "native"
UNKNOWN_CLASS = "unknown"


def service_families(services: Mapping[str, ServiceIdentity]) -> Iterator[Metric]:
    """Yield `larimar_service_info` of the services that have a process."""
    family = GaugeMetricFamily(
        "larimar_service_info",
        "Always 1. name_source is the step that named it: environment, kubernetes, container, systemd, application, "
        "interpreter, title, executable or parent. The runtime is the interpreter's, else native.",
        labels=("service_name", "name_source", "service_class", "runtime", "container"),
    )
    for name, one in services.items():
        family.add_metric((name, one.source.value, UNKNOWN_CLASS, one.runtime or NATIVE, one.container), 1)
    yield family
