"""When each series was in an incident: what was no usual time must not teach what is usual. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import nlargest

import numpy as np

from detector.model import Finding, History, Seconds, SeriesKey

# What lasts for longer is no incident but the new usual, and is learnt from then on.
MOST_SECONDS = 86_400.0
MOST_PER_SERIES = 64
MOST_IN_ALL = 20_000


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From the first evaluation of an incident to its last, both within it."""

    start: Seconds
    end: Seconds


Episodes = Mapping[SeriesKey, tuple[Span, ...]]
"""The spans of each series, oldest first."""


def remember(episodes: Episodes, findings: Iterable[Finding], most: int = MOST_IN_ALL) -> Episodes:
    """Episodes after one evaluation; beyond the bounds the oldest are forgotten."""
    added = {one.key: _extended(episodes.get(one.key, ()), one) for one in findings}
    if not added:
        return episodes
    return _bounded({**episodes, **added}, most)


def within(episodes: Episodes, since: Seconds) -> Episodes:
    """Those that are not over before a time."""
    kept = {key: tuple(span for span in spans if span.end >= since) for key, spans in episodes.items()}
    return {key: spans for key, spans in kept.items() if spans}


def until(episodes: Episodes, at: Seconds) -> Episodes:
    """Episodes as they were known at a time."""
    kept = {
        key: tuple(Span(span.start, min(span.end, at)) for span in spans if span.start <= at)
        for key, spans in episodes.items()
    }
    return {key: spans for key, spans in kept.items() if spans}


def left_out(history: History, episodes: Episodes) -> History:
    """The history without its incidents: no samples there, and nothing to be concluded from their lack."""
    affected = [row for row, key in enumerate(history.keys) if key in episodes]
    if not affected:
        return history
    times = history.start + history.step * np.arange(history.values.shape[1], dtype=np.float64)
    unlearnt = np.zeros(history.values.shape, np.bool_)
    for row in affected:
        for span in episodes[history.keys[row]]:
            unlearnt[row] |= (times >= span.start) & (times <= min(span.end, span.start + MOST_SECONDS))
    recent = None if history.recent is None else left_out(history.recent, episodes)
    return replace(history, values=np.where(unlearnt, np.nan, history.values), unlearnt=unlearnt, recent=recent)


def _extended(spans: tuple[Span, ...], finding: Finding) -> tuple[Span, ...]:
    if spans and finding.since <= spans[-1].end:
        last = Span(min(spans[-1].start, finding.since), max(spans[-1].end, finding.at))
        return (*spans[:-1], last)
    return (*spans[1 - MOST_PER_SERIES :], Span(finding.since, finding.at))


def _bounded(episodes: Episodes, most: int) -> Episodes:
    if sum(map(len, episodes.values())) <= most:
        return episodes
    ends = nlargest(most, (span.end for spans in episodes.values() for span in spans))
    return within(episodes, ends[-1])
