"""What services usually are like, as text that outlives the exporter."""

import json
import math
from collections.abc import Mapping
from typing import Any

from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.usual import Level

Levels = Mapping[int, Level]
MAX_AGE_SECONDS = 7 * 86400.0
"""What is older tells nothing of today."""
MAX_SERVICES = 1000
_DIGITS = 6


class RememberedError(Exception):
    """A text that tells nothing; says why."""


def written(usual: Mapping[str, Levels], wall_seconds: float) -> str:
    """Return a text of what services usually are like.

    Args:
        wall_seconds: since the epoch.
    """
    services = {
        name: {NAMES[index]: _numbers(level) for index, level in levels.items()} for name, levels in usual.items()
    }
    return json.dumps({"at": wall_seconds, "services": services}, separators=(",", ":")) + "\n"


def read(text: str | bytes, wall_seconds: float) -> dict[str, Levels]:
    """Return what a text tells; nothing where it is too old. Dimensions that are no more are left out.

    Raises:
        RememberedError: it is none of `written`'s.
    """
    try:
        found = json.loads(text)
        if not 0 <= wall_seconds - float(found["at"]) <= MAX_AGE_SECONDS:
            return {}
        return {name: _levels(one) for name, one in list(found["services"].items())[:MAX_SERVICES]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RememberedError(f"{type(error).__name__}: {error}") from error


def _numbers(level: Level) -> list[float]:
    return [round(value, _DIGITS) for value in (level.mean, level.deviation, level.seconds)]


def _levels(dimensions: Mapping[str, Any]) -> Levels:
    found = {}
    for index, name in enumerate(NAMES):
        if name in dimensions:
            mean, deviation, seconds = (float(value) for value in dimensions[name])
            if not (0 <= mean <= 1 and 0 <= deviation <= 1 and 0 <= seconds < math.inf):
                raise ValueError(f"{name} cannot be {dimensions[name]}")
            found[index] = Level(mean, deviation, seconds)
    return found
