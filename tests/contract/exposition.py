"""What an exposition promises: its families, their types and their labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

GOLDEN = Path(__file__).with_name("metrics.prom")
# What the format adds to a histogram's and a summary's own labels.
FORMAT_LABELS = frozenset({"le", "quantile"})
CREATED = "_created"  # when a counter or histogram began, which prometheus_client writes as families of their own


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family.

    Attributes:
        name: as a query writes it, so with a counter's `_total`.
        kind: counter, gauge, histogram or summary.
        labels: the names that each of its samples has; empty where it has no sample.
        samples: the names of its series.
    """

    name: str
    kind: str
    labels: frozenset[str]
    samples: frozenset[str]


def families(text: str, prefix: str = "larimar_") -> dict[str, Family]:
    """Return the families of an exposition in the text format by name.

    Raises:
        ValueError: two samples of one family have different labels.
    """
    return {family.name: family for family in _families(text_string_to_metric_families(text), prefix)}


def golden() -> dict[str, Family]:
    """Return the families that the two processes are held to."""
    return families(GOLDEN.read_text())


def _families(metrics: Iterable[Metric], prefix: str) -> Iterable[Family]:
    for metric in metrics:
        if metric.name.startswith(prefix) and not metric.name.endswith(CREATED):
            yield _family(metric)


def _family(metric: Metric) -> Family:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = {frozenset(sample.labels) - FORMAT_LABELS for sample in metric.samples}
    if len(labels) > 1:
        raise ValueError(f"{name}: its samples differ in their labels: {sorted(map(sorted, labels))}")
    samples = frozenset(
        sample.name for sample in metric.samples if not sample.name.endswith(CREATED)
    ) or _usual_samples(name, metric.type)
    return Family(name, metric.type, next(iter(labels), frozenset()), samples)


def _usual_samples(name: str, kind: str) -> frozenset[str]:
    if kind == "histogram":
        return frozenset({f"{name}_bucket", f"{name}_sum", f"{name}_count"})
    if kind == "summary":
        return frozenset({f"{name}_sum", f"{name}_count"})
    return frozenset({name})
