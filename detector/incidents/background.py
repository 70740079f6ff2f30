"""What was going on around an incident: what changed shortly before it, and when something will be used up."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

import numpy as np

from detector.model import Floats, Seconds
from detector.signals import quoted

# What counts what the exporter saw change.
CHANGES = "larimar_service_changes_total"
BEFORE_SECONDS = 1800.0
MOST_SERVICES = 8  # that one incident asks about: its own and those that it calls


@dataclass(frozen=True, slots=True)
class Change:
    """Something changed about a service; `kind` is the `change` label's value, `at` the first look that showed it."""

    service_name: str
    kind: str
    at: Seconds


@dataclass(frozen=True, slots=True)
class Background:
    """What was found out.

    Attributes:
        asked_at: when.
        changes: oldest first.
        exhausted_at: when a limit is reached at the present pace; NaN where there is none.
    """

    asked_at: Seconds
    changes: tuple[Change, ...] = ()
    exhausted_at: Seconds = nan


def changes_query(services: Iterable[str]) -> str:
    """PromQL of how often what changed about some services."""
    named = " or ".join(f'{CHANGES}{{service_name="{quoted(name)}"}}' for name in services)
    return f"sum by (service_name, change) ({named})"


def rises(counts: Floats) -> list[int]:
    """Return at which columns a counter told of something new; NaN where it had no sample.

    It is there, at zero, as soon as its service is: what it has at first is old. Where it is lower after a gap, it
    began anew at zero.
    """
    found, last, gap = [], nan, False
    for column, count in enumerate(counts):
        if not np.isfinite(count):
            gap = True
            continue
        if count > (0.0 if gap and count < last else last):
            found.append(column)
        last, gap = count, False
    return found
