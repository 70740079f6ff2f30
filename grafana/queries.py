"""What a dashboard asks of Prometheus, for running each query against a real one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# `$1` is a group of label_replace's regular expression.
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[a-z_]\w*)\}|(?P<plain>[a-z_]\w*))")


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a panel.

    Attributes:
        panel: the panel's title.
        expression: PromQL with the dashboard's variables still in it.
    """

    panel: str
    expression: str

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the PromQL with each variable replaced.

        Raises:
            KeyError: a variable has no value.
        """
        return _VARIABLE.sub(lambda found: values[found["braced"] or found["plain"]], self.expression)


def asked(dashboard: Mapping[str, object]) -> Iterator[Asked]:
    """Yield every query of a dashboard's JSON, rows' own panels included."""
    panels = dashboard.get("panels", [])
    assert isinstance(panels, list)
    for panel in panels:
        for target in panel.get("targets", ()):
            yield Asked(panel["title"], target["expr"])
        yield from asked(panel)
