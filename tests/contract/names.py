"""Which metric names and labels a piece of PromQL uses, for holding it to what exists."""

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_METRIC = re.compile(r"(?<![\w:$])larimar[\w:]*[a-z]\w*")
_SELECTOR = re.compile(r"(?P<name>larimar[\w:]*)\s*\{(?P<matchers>[^}]*)\}")
_MATCHER = re.compile(r"(?P<label>[a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?P<labels>[^)]*)\)")


def metrics(expression: str) -> frozenset[str]:
    """Return the names of the series that `expression` selects and that are Larimar's."""
    return frozenset(_METRIC.findall(_STRING.sub('""', expression)))


def matched_labels(expression: str) -> Iterator[tuple[str, str]]:
    """Yield (series name, label) for each label that a selector matches on."""
    for selector in _SELECTOR.finditer(_STRING.sub('""', expression)):
        for matcher in _MATCHER.finditer(selector["matchers"]):
            yield selector["name"], matcher["label"]


def grouped_labels(expression: str) -> frozenset[str]:
    """Return the labels that `expression` aggregates or joins by."""
    found = (part.strip() for clause in _GROUPING.finditer(expression) for part in clause["labels"].split(","))
    return frozenset(label for label in found if label)
