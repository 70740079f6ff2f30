"""Step 2: the workload that owns the pod."""

import re

from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean

# Kubernetes' safe alphabet for generated names (apimachinery, util/rand).
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_GENERATED = (
    re.compile(rf"-[{_SAFE}]{{6,10}}-[{_SAFE}]{{5}}$"),  # Deployment: ReplicaSet hash and pod suffix
    re.compile(rf"-\d{{8,10}}-[{_SAFE}]{{5}}$"),  # CronJob: the minute and the pod suffix
    re.compile(rf"-[{_SAFE}]{{5}}$"),  # DaemonSet, Job
    re.compile(r"-\d+$"),  # StatefulSet
)
_SIDECARS_WORDS = """
istio-proxy linkerd-proxy envoy-sidecar cloud-sql-proxy vault-agent fluent-bit config-reloader
"""
_SIDECARS = frozenset(_SIDECARS_WORDS.split())


def name(facts: ProcessFacts) -> str:
    """Return the owner of the process's pod (`owner/part` for known sidecars), or an empty string."""
    container = facts.container
    if not container.pod:
        return ""
    owner = clean(owner_of(container.pod))
    return f"{owner}/{container.part}" if container.part in _SIDECARS else owner


def owner_of(pod: str) -> str:
    """Strip what Kubernetes generated from a pod's name."""
    for pattern in _GENERATED:
        shorter = pattern.sub("", pod)
        if shorter and shorter != pod:
            return shorter
    return pod
