"""Rules, dashboards and signals use only metrics and labels that the golden exposition has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.contract import names
from tests.contract.exposition import golden

ROOT = Path(__file__).parents[2]
# What Prometheus adds to every series, and the format to a histogram's.
ADDED_LABELS = frozenset({"job", "instance", "le", "__name__"})


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and where it stands."""

    where: str
    expression: str


def rule_queries() -> Iterator[Query]:
    for file in sorted((ROOT / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text()).get("groups", ()):
            for rule in group["rules"]:
                yield Query(f"{file.name}/{rule.get('record') or rule['alert']}", rule["expr"])


def dashboard_queries() -> Iterator[Query]:
    for file in sorted((ROOT / "grafana" / "dashboards").glob("*.json")):
        yield from _queries_within(file.name, json.loads(file.read_text()))


def _queries_within(where: str, node: object) -> Iterator[Query]:
    """Yield whatever stands in a dashboard as an expression or as a variable's query."""
    if isinstance(node, list):
        for child in node:
            yield from _queries_within(where, child)
    elif isinstance(node, dict):
        title = f"{where}/{node['title']}" if isinstance(node.get("title"), str) else where
        for key, child in node.items():
            if key in ("expr", "query") and isinstance(child, str):
                yield Query(title, child)
            else:
                yield from _queries_within(title, child)


def signal_queries() -> Iterator[Query]:
    for name, signal in yaml.safe_load((ROOT / "detector" / "signals.yml").read_text()).items():
        yield Query(f"signals.yml/{name}", signal["query"])
        if "counts" in signal:
            yield Query(f"signals.yml/{name}.counts", signal["counts"])
        if "remaining" in signal:
            yield Query(f"signals.yml/{name}.remaining", signal["remaining"])


QUERIES = (*rule_queries(), *dashboard_queries(), *signal_queries())


def recorded() -> dict[str, frozenset[str]]:
    """Return the labels of each recorded series, by the level in its name."""
    levels = {
        "service": frozenset({"service_name", "role", "protocol"}),
        "edge": frozenset({"client", "server", "protocol"}),
        "exporter": frozenset(),
        "signal": frozenset({"service_name", "server"}),
        "signal_events": frozenset({"service_name", "server"}),
    }
    rules = (query.where.partition("/")[2] for query in rule_queries())
    return {name: levels[name.split(":")[1]] for name in rules if name.startswith("larimar:")}


def foreign() -> dict[str, frozenset[str]]:
    """Return the labels of what node_exporter tells."""
    labels = frozenset({"device", "fstype", "mountpoint"})
    return {f"node_filesystem_{name}_bytes": labels for name in ("avail", "size")}


def known_series() -> dict[str, frozenset[str]]:
    series = {sample: family.labels for family in golden().values() for sample in family.samples}
    return series | recorded() | foreign()


@pytest.mark.parametrize("source", [rule_queries, dashboard_queries, signal_queries])
def test_each_source_has_queries(source: object) -> None:
    assert callable(source)
    assert any(names.metrics(query.expression) for query in source())


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_every_metric_exists(query: Query) -> None:
    assert names.metrics(query.expression) <= known_series().keys()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_every_matched_label_is_one_of_its_metric(query: Query) -> None:
    series = known_series()
    wrong = [
        (name, label)
        for name, label in names.matched_labels(query.expression)
        if label not in series[name] | ADDED_LABELS
    ]
    assert wrong == []


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_every_grouped_label_is_one_of_the_metrics_used(query: Query) -> None:
    series = known_series()
    usable = frozenset().union(*(series[name] for name in names.metrics(query.expression)))
    assert names.grouped_labels(query.expression) <= usable | names.made_labels(query.expression) | ADDED_LABELS
