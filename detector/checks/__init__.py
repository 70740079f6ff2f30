"""The ways to be abnormal: each a pure function over all series at once, with a few numbers of memory per series."""

from detector.checks.statistics import (
    CHECKS,
    DRIFT,
    FLATLINE,
    LATE,
    OVERRUN,
    RESIDUAL,
    SHIFT_HOUR,
    SHIFT_MINUTES,
    SILENCE,
    SPREAD,
    STEP,
    STEP_MINUTES,
    Memory,
    Point,
    empty_memory,
    observe,
)

__all__ = [
    "CHECKS",
    "DRIFT",
    "FLATLINE",
    "LATE",
    "OVERRUN",
    "RESIDUAL",
    "SHIFT_HOUR",
    "SHIFT_MINUTES",
    "SILENCE",
    "SPREAD",
    "STEP",
    "STEP_MINUTES",
    "Memory",
    "Point",
    "empty_memory",
    "observe",
]
