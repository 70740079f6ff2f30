"""Renders metrics as text or OpenMetrics; the lines of large families are put together from prepared labels."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from toolkit.families import Exemplar, Family, Part
from toolkit.negotiation import negotiate

if TYPE_CHECKING:
    from prometheus_client import Metric

END = b"# EOF\n"
_SPARE = 64  # prepared labels kept beyond twice those in use
MOST_KEPT = 20_000  # points of a family; what of more is prepared would take more memory than what they tell of
_PLAIN = re.compile(r"[-\w.:/ ]*", re.ASCII)


class Collects(Protocol):
    """What is scraped: a registry, or one collector."""

    def collect(self) -> "Iterable[Metric]":
        """Return every metric family."""
        ...


class _One:
    def __init__(self, metric: "Metric") -> None:
        self._metric = metric

    def collect(self) -> "Iterable[Metric]":
        return (self._metric,)


class _Prepared(dict[Sequence[str], tuple[str, ...]]):
    """By label values, the beginnings of a point's lines up to the number; made on first use."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self._name = family.name
        self._label_names = family.label_names
        self._parts = family.parts

    def __missing__(self, values: Sequence[str]) -> tuple[str, ...]:
        self[values] = lines = self.made(values)
        return lines

    def made(self, values: Sequence[str]) -> tuple[str, ...]:
        """Return what is not kept."""
        labels = {name: _escaped(value) for name, value in zip(self._label_names, values, strict=True)}
        return tuple(self._beginning(part, labels) for part in self._parts)

    def fits(self, family: Family) -> bool:
        """Return whether a family's lines, if any were rendered before, begin like this."""
        return self._label_names == family.label_names and self._parts == family.parts

    def _beginning(self, part: Part, labels: dict[str, str]) -> str:
        told = {**labels, "le": part.le} if part.le else labels
        inside = ",".join(f'{name}="{value}"' for name, value in sorted(told.items()))
        return f"\n{self._name}{part.suffix}{{{inside}}} " if inside else f"\n{self._name}{part.suffix} "


class Exposition:
    """Renders pages, and keeps the labels of the last one prepared; for one page at a time."""

    def __init__(self) -> None:
        self._prepared: dict[str, _Prepared] = {}

    @property
    def prepared_labels(self) -> int:
        """How many combinations of label values are kept prepared."""
        return sum(map(len, self._prepared.values()))

    def page(self, registry: Collects, accept: str) -> tuple[bytes, str]:
        """Return a page of all that is collected, and its content type.

        Args:
            accept: what the scraper takes, as its header says.
        """
        chosen = negotiate(accept)
        if chosen.changes_names:  # nobody is known to ask for that
            return _encoder(accept)(registry), chosen.content_type
        is_open = chosen.is_open
        parts = [
            self._family(metric, is_open)
            if isinstance(metric, Family)
            else _encoder(accept)(_One(metric)).removesuffix(END)
            for metric in registry.collect()
        ]
        return b"".join((*parts, END) if is_open else parts), chosen.content_type

    def _family(self, family: Family, is_open: bool) -> bytes:
        numbers = _texts(family.numbers)
        if is_open:
            for place, exemplar in family.exemplars.items():
                numbers[place] += _exemplar(exemplar)
        beginnings = chain.from_iterable(map(self._beginnings(family), family.labels))
        lines = chain.from_iterable(zip(beginnings, numbers, strict=True))
        return "".join((_head(family, is_open), *lines, "\n")).encode()

    def _beginnings(self, family: Family) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """Return what gives the beginnings of a point's lines by its label values."""
        if len(family.labels) > MOST_KEPT:
            self._prepared.pop(family.name, None)
            return _Prepared(family).made
        prepared = self._prepared.get(family.name)
        if prepared is None or not prepared.fits(family) or len(prepared) > 2 * len(family.labels) + _SPARE:
            prepared = self._prepared[family.name] = _Prepared(family)
        return prepared.__getitem__


def _encoder(accept: str) -> Callable[[Collects], bytes]:
    """Return what writes pages of prometheus_client's own families."""
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415  # see toolkit.families

    return choose_encoder(accept)[0]


def _head(family: Family, is_open: bool) -> str:
    """Return a family's HELP and TYPE lines, without the last line's end."""
    name = family.name if is_open or family.type != "counter" else f"{family.name}_total"
    documentation = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
    if is_open:
        documentation = documentation.replace('"', r"\"")
    unit = f"\n# UNIT {name} {family.unit}" if is_open and family.unit else ""
    return f"# HELP {name} {documentation}\n# TYPE {name} {family.type}{unit}"


def _texts(numbers: Sequence[float]) -> list[str]:
    """Return the numbers as the formats write them."""
    texts = list(map(repr, map(float, numbers)))
    if "n" in "".join(texts):  # inf or nan
        spelled = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
        texts = [spelled.get(text, text) for text in texts]
    return texts


def _exemplar(exemplar: Exemplar) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(exemplar.labels.items()))
    at = f" {exemplar.timestamp}" if exemplar.timestamp is not None else ""
    return f" # {{{inside}}} {_texts((exemplar.value,))[0]}{at}"


def _escaped(value: str) -> str:
    """Return a label's value as it is written; bytes that were no text are told as `\\udcff`."""
    if _PLAIN.fullmatch(value):
        return value
    text = value.encode("utf-8", "backslashreplace").decode()
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
