"""Which metric names and labels a piece of PromQL uses, for holding it to what exists."""

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_METRIC = re.compile(r"(?<![\w:$])larimar[\w:]*[a-z]\w*")
_SELECTOR = re.compile(r"(?P<name>larimar[\w:]*)\s*\{(?P<matchers>[^}]*)\}")
_MATCHER = re.compile(r"(?P<label>[a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
_MAKING = re.compile(r"\blabel_(?:replace|join)\s*\(")
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


def made_labels(expression: str) -> frozenset[str]:
    """Return the labels that `expression` gives to its series by label_replace and label_join.

    They are the functions' second argument, the first string behind a comma at the depth of their own brackets.
    """
    return frozenset(_second_argument(expression, call.end()) for call in _MAKING.finditer(expression))


def _second_argument(expression: str, start: int) -> str:
    depth, position = 0, start
    while depth or expression[position] != ",":
        string = _STRING.match(expression, position)
        position = string.end() if string else position + 1
        if not string:
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(expression[position - 1], 0)
    found = _STRING.search(expression, position)
    return found[0].strip('"') if found else ""
