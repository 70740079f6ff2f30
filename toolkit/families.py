"""Metric families of many series: rows of label values and numbers, which a page renders from prepared labels.

prometheus_client's own families make an object and a dictionary of every sample, and its page sorts and escapes every
label again: 13 us a series. These only do so when somebody asks for `samples`; see `toolkit.exposition`. Until
then that package is not even imported: its HTTP server brings TLS, mail and more, 9 MB of memory.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.samples import Sample
else:
    Metric = object

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Exemplar(NamedTuple):
    """One observation of many; `timestamp` in seconds since the epoch."""

    labels: dict[str, str]
    value: float
    timestamp: float | None = None


NO_EXEMPLARS: Mapping[int, Exemplar] = {}


@dataclass(frozen=True, slots=True)
class Part:
    """One series of a point: a histogram has one for each bucket, its count and its sum.

    Attributes:
        suffix: of the family's name.
        le: the bucket's upper bound; empty where the series is no bucket.
    """

    suffix: str = ""
    le: str = ""


class Family(Metric):
    """A family of points, each of them a combination of label values with a number for every part.

    To a type checker it is one of prometheus_client's, whose attributes it has.

    Attributes:
        label_names: of each point's labels.
        parts: the series of each point.
        labels: the label values of every point.
        numbers: those of the first point in the order of the parts, then those of the second.
        exemplars: by their place in `numbers`.
    """

    def __init__(
        self, name: str, documentation: str, kind: str, labels: Sequence[str], parts: tuple[Part, ...], unit: str = ""
    ) -> None:
        """Start without points.

        Args:
            name: as OpenMetrics has it, so without a counter's `_total`, but with the unit.

        Raises:
            ValueError: the name or a label's name is none that every Prometheus reads, or lacks its unit.
        """
        for word in (name, *labels):
            if not _NAME.fullmatch(word):
                raise ValueError(f"{word!r} cannot name a metric or a label")
        if unit and not name.endswith(f"_{unit}"):
            raise ValueError(f"{name!r} does not end in its unit {unit!r}")
        # Metric's own __init__ would set `samples`, which are made from the rows here.
        self.name = name
        self.documentation = documentation
        self.unit = unit
        self.type = kind
        self.label_names = tuple(labels)
        self.parts = parts
        self.labels: list[Sequence[str]] = []
        self.numbers: list[float] = []
        self.exemplars: dict[int, Exemplar] = {}

    def add(self, labels: Sequence[str], number: float) -> None:
        """Add a point of one number; the labels are hashable, as tuples are, in the order of the names."""
        self.labels.append(labels)
        self.numbers.append(number)

    def add_histogram(
        self,
        labels: Sequence[str],
        counts: Sequence[float],
        total: float,
        exemplars: Mapping[int, Exemplar] = NO_EXEMPLARS,
    ) -> None:
        """Add a point of a histogram.

        Args:
            counts: shape (buckets,), not cumulated; the last one is beyond all bounds.
            total: the sum of what was observed.
            exemplars: by bucket.
        """
        for bucket, exemplar in exemplars.items():
            self.exemplars[len(self.numbers) + bucket] = exemplar
        self.labels.append(labels)
        self.numbers.extend(accumulate(counts))
        self.numbers += (self.numbers[-1], total)

    def add_summary(self, labels: Sequence[str], count: float, total: float) -> None:
        """Add a point of a summary without quantiles: how many were observed, and their sum."""
        self.labels.append(labels)
        self.numbers += (count, total)

    def keep(self, series: int) -> int:
        """Leave out the points beyond so many series; a point stays whole or not at all. Return the series left out."""
        points = max(0, series) // len(self.parts)
        before = len(self.numbers)
        del self.labels[points:], self.numbers[points * len(self.parts) :]
        self.exemplars = {place: one for place, one in self.exemplars.items() if place < len(self.numbers)}
        return before - len(self.numbers)

    def only(self, names: Set[str]) -> "Family | None":
        """Return the series of these names alone, None where there are none."""
        places = [place for place, part in enumerate(self.parts) if f"{self.name}{part.suffix}" in names]
        if not places:
            return None
        parts = tuple(self.parts[place] for place in places)
        chosen = Family(self.name, self.documentation, self.type, self.label_names, parts, self.unit)
        chosen.labels = self.labels
        for first in range(0, len(self.numbers), len(self.parts)):
            for place in (first + place for place in places):
                if place in self.exemplars:
                    chosen.exemplars[len(chosen.numbers)] = self.exemplars[place]
                chosen.numbers.append(self.numbers[place])
        return chosen

    @property
    def samples(self) -> "list[Sample]":  # type: ignore[override]  # made from the rows, not to be replaced
        """The points as prometheus_client represents them; expensive."""
        from prometheus_client import samples as theirs  # noqa: PLC0415  # see above

        made = []
        for point, labels in enumerate(self.labels):
            own = dict(zip(self.label_names, labels, strict=True))
            for index, part in enumerate(self.parts, point * len(self.parts)):
                told = {**own, "le": part.le} if part.le else own
                one = self.exemplars.get(index)
                exemplar = theirs.Exemplar(*one) if one is not None else None
                made.append(theirs.Sample(f"{self.name}{part.suffix}", told, self.numbers[index], None, exemplar))
        return made


def counter(name: str, documentation: str, labels: Sequence[str]) -> Family:
    """Return an empty family of counters; the name ends in `_total`."""
    return Family(name.removesuffix("_total"), documentation, "counter", labels, (Part("_total"),))


def gauge(name: str, documentation: str, labels: Sequence[str]) -> Family:
    """Return an empty family of gauges."""
    return Family(name, documentation, "gauge", labels, (Part(),))


def single(name: str, documentation: str, number: float) -> Family:
    """Return a family of one number without labels: a counter where its name ends in `_total`, else a gauge."""
    family = (counter if name.endswith("_total") else gauge)(name, documentation, ())
    family.add((), number)
    return family


def summary(name: str, documentation: str, labels: Sequence[str]) -> Family:
    """Return an empty family of summaries without quantiles."""
    return Family(name, documentation, "summary", labels, (Part("_count"), Part("_sum")))


def histogram(name: str, documentation: str, labels: Sequence[str], bounds: Sequence[str]) -> Family:
    """Return an empty family of histograms; `bounds` are the values of `le`, the last one `+Inf`."""
    buckets = (Part("_bucket", bound) for bound in bounds)
    return Family(name, documentation, "histogram", labels, (*buckets, Part("_count"), Part("_sum")))
