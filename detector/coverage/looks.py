"""Reads from answers what can be seen, and who calls whom."""

from collections.abc import Mapping, Sequence

import numpy as np

from detector.clients.matrix import Matrix
from detector.coverage.sight import Look, Target

CLASSES = 'group by (service_name, service_class) (larimar_service_info{service_class!=""})'


def classes_of(matrix: Matrix) -> dict[str, str]:
    """The class of each service; of several, as hosts may differ, the first by name."""
    found = sorted((labels.get("service_name", ""), labels.get("service_class", "")) for labels in matrix.labels)
    return dict(reversed(found))


def look(coverage: Sequence[Matrix], column: int) -> Look:
    """What answers to the questions of `sight` and `precision`, in their order, say of one column."""
    services, scrapes, targets, starts, errors, losses, _ = coverage
    homes: dict[str, set[Target]] = {}
    for labels in _present(services, column):
        homes.setdefault(labels.get("service_name", ""), set()).add(_target(labels))
    return Look(
        homes={name: frozenset(found) for name, found in homes.items()},
        unbroken=frozenset(
            _target(labels)
            for labels, value in zip(scrapes.labels, scrapes.values[:, column], strict=True)
            if value == 1.0
        ),
        targets=frozenset(_target(labels) for labels in _present(targets, column)),
        starts=_by_target(starts, column),
        errors=_by_target(errors, column),
        losses=_by_target(losses, column),
    )


def _by_target(matrix: Matrix, column: int) -> dict[Target, float]:
    values = zip(matrix.labels, matrix.values[:, column], strict=True)
    return {_target(labels): float(value) for labels, value in values if np.isfinite(value)}


def _present(matrix: Matrix, column: int) -> list[Mapping[str, str]]:
    there = ~np.isnan(matrix.values[:, column])
    return [labels for labels, is_there in zip(matrix.labels, there, strict=True) if is_there]


def _target(labels: Mapping[str, str]) -> Target:
    return Target(labels.get("job", ""), labels.get("instance", ""))


def callees(edges: Matrix) -> dict[str, frozenset[str]]:
    """Who calls whom."""
    found: dict[str, set[str]] = {}
    for labels in edges.labels:
        client, server = labels.get("client", ""), labels.get("server", "")
        if client and server and client != server and not server.startswith("~") and not client.startswith("~"):
            found.setdefault(client, set()).add(server)
    return {client: frozenset(servers) for client, servers in found.items()}
