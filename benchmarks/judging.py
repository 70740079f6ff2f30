"""How many alerts scores would have given, and which of the known faults they found, how late."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.model import Floats

MERGED_MINUTES = 60  # alerts closer than this are one
GRACE_MINUTES, RECOVERY_MINUTES = 5, 720
BUDGETS = (0.01, 0.03, 0.1, 0.3, 1.0)
LEVELS = 60


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault in one series; `begin` and `end` are columns."""

    series: int
    kind: str
    begin: int
    end: int


def alerts(scores: Floats, threshold: float, warm: int) -> list[np.ndarray]:
    """Return the columns, one a minute and after `warm`, at which each series' alerts begin."""
    return [_begins(np.flatnonzero(row >= threshold), warm) for row in scores]


def _begins(firing: np.ndarray, warm: int) -> np.ndarray:
    if not len(firing):
        return firing
    begins = firing[np.insert(np.diff(firing) > MERGED_MINUTES, 0, True)]
    return begins[begins >= warm]


def evaluate(world: dict[str, Any], scores: dict[str, Floats], threshold: float) -> dict[str, Any]:
    """Judge scores of the clean and the faulty copy of a world at one threshold."""
    families, faults, warm = world["family"], world["injected"], world["warm"]
    weeks = len(families) * (scores["clean"].shape[1] - warm) / (7 * 1440)
    false = np.array([len(each) for each in alerts(scores["clean"], threshold, warm)])
    told = alerts(scores["fault"], threshold, warm)
    delays = [_delay(told[fault.series], fault) for fault in faults]
    found = [delay for delay in delays if delay is not None]
    by_kind = {
        kind: _summary([delay for delay, fault in zip(delays, faults, strict=True) if fault.kind == kind])
        for kind in dict.fromkeys(fault.kind for fault in faults)
    }
    stray = sum(_stray(told[row], [fault for fault in faults if fault.series == row]) for row in range(len(told)))
    return {
        "thr": threshold,
        "fa_week": float(false.sum() / weeks),
        "recall": len(found) / len(faults),
        "precision": len(found) / max(1, len(found) + stray),
        "delay": float(np.median(found)) if found else None,
        "by_kind": by_kind,
        "fa_family": {
            str(name): float(false[families == name].sum() / (weeks * np.mean(families == name)))
            for name in dict.fromkeys(families)
        },
    }


def curve(world: dict[str, Any], scores: dict[str, Floats]) -> dict[float, dict[str, Any]]:
    """Judge at the lowest threshold that keeps each rate of false alarms per series and week."""
    highest = max(float(np.nanmax(scores["clean"][:, world["warm"] :])), 1e-3) * 1.001
    judged = [evaluate(world, scores, level) for level in np.geomspace(highest, 0.3, LEVELS) if level > 0]
    return {rate: [each for each in judged if each["fa_week"] <= rate][-1] for rate in BUDGETS}


def _delay(told: np.ndarray, fault: Injected) -> int | None:
    within = told[(told >= fault.begin) & (told <= fault.end + GRACE_MINUTES)]
    return int(within[0]) - fault.begin if len(within) else None


def _summary(delays: list[int | None]) -> tuple[float, float | None, int]:
    found = [delay for delay in delays if delay is not None]
    return len(found) / len(delays), float(np.median(found)) if found else None, len(delays)


def _stray(told: np.ndarray, faults: list[Injected]) -> int:
    explained = np.zeros(len(told), np.bool_)
    for fault in faults:
        explained |= (told >= fault.begin) & (told <= fault.end + RECOVERY_MINUTES)
    return int((~explained).sum())
