"""Which services there are, where their names are from, and what class each has."""

from collections.abc import Iterator, Mapping

from exporter.fingerprint.judgement import UNJUDGED
from exporter.fingerprint.profiles import Profile
from exporter.identity.facts import ServiceClass, ServiceIdentity
from exporter.services.changes import ChangeKey
from toolkit.families import Family, counter, gauge

NATIVE = "native"


def service_families(services: Mapping[str, ServiceIdentity], profiles: Mapping[str, Profile]) -> Iterator[Family]:
    """Yield `larimar_service_info` of the services that have a process, and the confidence in their classes."""
    info = gauge(
        "larimar_service_info",
        "Always 1. name_source is the step that named it: environment, kubernetes, container, systemd, application, "
        "interpreter, title, executable or parent. The runtime is the interpreter's, else native.",
        labels=("service_name", "name_source", "service_class", "runtime", "container"),
    )
    confidence = gauge(
        "larimar_service_class_confidence_ratio",
        "Confidence in the service's class: 1 where its program is known, else the likelihood by its behaviour.",
        labels=("service_name", "service_class", "class_source"),
    )
    for name, one in services.items():
        judgement = profiles[name].judgement if name in profiles else UNJUDGED
        kind = judgement.kind if one.known_class is ServiceClass.UNKNOWN else one.known_class
        info.add((name, one.source.value, kind.value, one.runtime or NATIVE, one.container), 1)
        if name in profiles:
            confidence.add((name, judgement.kind.value, judgement.source.value), judgement.confidence)
    yield info
    yield confidence


def change_families(changes: Mapping[ChangeKey, int]) -> Iterator[Family]:
    """Yield the changes of each service."""
    family = counter(
        "larimar_service_changes_total",
        "Changes while the exporter ran, over all replicas: executable, command_line, image, unit, "
        "config, port, dependency, restart. By the size and time of files, listening sockets and connections.",
        labels=("service_name", "change"),
    )
    for key, count in changes.items():
        family.add((key.service_name, key.change.value), count)
    yield family
