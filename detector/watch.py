"""What the detector knows between evaluations, and how one evaluation updates it. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from detector.baselines import Baselines, join, take
from detector.checks.budget import shared
from detector.coverage.precision import Certainty, certainty, doubt, looked_at
from detector.coverage.presence import gone, remembered
from detector.coverage.sight import Sight, look
from detector.evaluation import Evaluated, Scores, State, adopt, empty_state, evaluate
from detector.incidents.episodes import Episodes, remember, until
from detector.incidents.feedback import Feedback, tolerance
from detector.incidents.incident import Book, Reading
from detector.incidents.lifecycle import PROMETHEUS, Rules, advance, see
from detector.learning.fitting import prior
from detector.likeness.priors import Priors, gathered
from detector.likeness.young import assumed
from detector.model import Floats, History, Seconds, SeriesKey, Signal
from detector.pull import Observations


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that an evaluation needs of earlier ones.

    Attributes:
        baselines: None before the first series was seen.
        state: of the checks, for the same series.
        sight: what can be seen.
        book: the incidents.
        episodes: when each series was in one.
        feedback: what people said of alerts.
        evaluated_at: the time of the newest evaluation; 0 before the first.
        told_at: up to when the book took part; a replay before it moves only the checks.
        classes: of services.
        priors: what series of a signal and a class are like; None: to be told from the baselines.
    """

    baselines: Baselines | None = None
    state: State | None = None
    sight: Sight = field(default_factory=Sight)
    book: Book = field(default_factory=Book)
    episodes: Episodes = field(default_factory=dict)
    feedback: Feedback = field(default_factory=dict)
    evaluated_at: Seconds = 0.0
    told_at: Seconds = 0.0
    classes: Mapping[str, str] = field(default_factory=dict)
    priors: Priors | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same from evaluation to evaluation.

    Attributes:
        signals: by name.
        rules: of the incidents.
        interval: between evaluations, in seconds.
        window: of the rates, in seconds.
        limit: the most series watched; further ones are skipped.
        budget: false alerts per week that are accepted, of all series together.
    """

    signals: Mapping[str, Signal]
    rules: Rules
    interval: Seconds
    window: Seconds
    limit: int
    budget: float = math.inf


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluation's outcome.

    Attributes:
        knowledge: for the next one.
        keys: the series, in the order of the scores.
        scores: None where no series is known.
        hidden: services that could not be seen whole.
        skipped: series over the limit.
        withheld: series without a verdict as they could not be seen.
    """

    knowledge: Knowledge
    keys: tuple[SeriesKey, ...]
    scores: Scores | None
    hidden: frozenset[str]
    skipped: int
    withheld: int = 0


def step(before: Knowledge, seen: Observations, column: int, terms: Terms) -> Step:
    """Evaluate one column of what was observed."""
    at = seen.history.start + column * seen.history.step
    knowledge, skipped = _extended(_compared(before, seen.classes, terms), seen.history.keys, terms)
    sight = look(knowledge.sight, seen.looks[column], at, terms.window)
    hidden = sight.hidden(at)
    knowledge = replace(knowledge, sight=sight, evaluated_at=at)
    if knowledge.baselines is None or knowledge.state is None:
        return Step(_told(knowledge, _nothing_seen(at, hidden, seen), terms), (), None, hidden, skipped)
    keys = knowledge.baselines.keys
    certain = certainty(sight.homes, seen.looks[column].errors, seen.looks[column].losses)
    visible = _visible(keys, hidden, frozenset(failure.signal for failure in seen.failures), certain, terms.signals)
    observed = _observed(keys, seen, column, visible)
    present = _present(keys, observed, visible, sight.departed)
    allowed = shared(terms.budget, len(keys)) * tolerance(knowledge.feedback, keys)
    counts = _counts(keys, seen.history, column)
    if counts is not None:
        counts = looked_at(counts, keys, terms.signals, certain.errors)
    doubts = doubt(keys, terms.signals, certain.errors, counts)
    result = evaluate(knowledge.baselines, knowledge.state, at, observed, present, allowed, counts, doubts)
    reading = _reading(keys, result, visible, at, hidden, seen)
    knowledge = replace(knowledge, state=result.state, episodes=remember(before.episodes, reading.findings))
    withheld = int((~visible).sum())
    return Step(_told(knowledge, reading, terms), keys, result.scores, hidden, skipped, withheld)


def refitted(knowledge: Knowledge, baselines: Baselines | None) -> Knowledge:
    """Take in newly fitted baselines; None where there was no history to fit."""
    if baselines is None:
        return knowledge
    before, state, departed = knowledge.baselines, knowledge.state, knowledge.sight.departed
    if departed:  # history knows them still
        baselines = take(baselines, np.flatnonzero(~_of(baselines.keys, departed)))
    if before is None or state is None:
        return replace(knowledge, baselines=baselines, state=empty_state(baselines.keys), priors=None)
    learnt = set(baselines.keys)
    lost = gone(before, state) | _of(before.keys, departed)
    # What turned up while the others were learnt is neither forgotten nor new again.
    since = np.array([row for row, key in enumerate(before.keys) if key not in learnt and not lost[row]], np.int64)
    joined = join((baselines, take(before, since))) if len(since) else baselines
    anew = np.arange(len(joined.keys)) < len(baselines.keys)
    return replace(knowledge, baselines=joined, state=adopt(state, joined, anew), priors=None)


def rewound(knowledge: Knowledge, at: Seconds) -> Knowledge:
    """What is still true after the clock was set back: nothing that is remembered may be later than `at`."""
    state = None if knowledge.baselines is None else empty_state(knowledge.baselines.keys)
    return replace(
        knowledge,
        state=state,
        sight=knowledge.sight.until(at),
        book=knowledge.book.until(at),
        episodes=until(knowledge.episodes, at),
        evaluated_at=0.0,
        told_at=min(knowledge.told_at, at),
    )


def _compared(before: Knowledge, classes: Mapping[str, str] | None, terms: Terms) -> Knowledge:
    """Take young series for ones like others of their class, again whenever those were learnt or classes changed."""
    now = before.classes if classes is None else classes
    if before.baselines is None or (before.priors is not None and now == before.classes):
        return replace(before, classes=now)
    priors = gathered(before.baselines, now)
    return replace(before, baselines=assumed(before.baselines, now, priors, terms.signals), classes=now, priors=priors)


def _new(before: Knowledge, keys: Sequence[SeriesKey], terms: Terms) -> Baselines:
    baselines = prior(keys, tuple(terms.signals.values()), terms.interval)
    return assumed(baselines, before.classes, before.priors or Priors(), terms.signals)


def _extended(before: Knowledge, seen: tuple[SeriesKey, ...], terms: Terms) -> tuple[Knowledge, int]:
    """New series begin with what a prior says, and those long gone are forgotten; how many had to be left out."""
    baselines, state = before.baselines, before.state
    if baselines is None or state is None:
        if not seen:
            return before, 0
        baselines = _new(before, seen[: terms.limit], terms)
        started = replace(before, baselines=baselines, state=empty_state(baselines.keys))
        return started, len(seen[terms.limit :])
    known = set(baselines.keys)
    new = [key for key in seen if key not in known]
    rows = remembered(baselines, state, len(new), terms.limit)
    new, over = new[: max(0, terms.limit - len(rows))], len(new[max(0, terms.limit - len(rows)) :])
    if not new and len(rows) == len(known):
        return before, over
    now = take(baselines, rows)
    if new:
        now = join((now, _new(before, new, terms)))
    state = adopt(state, now, np.zeros(len(now.keys), np.bool_))
    forgotten = {key.service_name for key in known - set(now.keys)} - {key.service_name for key in now.keys}
    return replace(before, baselines=now, state=state, sight=before.sight.without(forgotten)), over


def _visible(
    keys: tuple[SeriesKey, ...],
    hidden: frozenset[str],
    failed: frozenset[str],
    certain: Certainty,
    signals: Mapping[str, Signal],
) -> npt.NDArray[np.bool_]:
    """Which series say something of their service, or would by being missing."""
    counted = {name for name, signal in signals.items() if signal.packets} if certain.lossy else set()
    return np.array(
        [
            key.service_name not in hidden
            and key.signal not in failed
            and not (key.signal in counted and key.service_name in certain.lossy)
            for key in keys
        ],
        dtype=np.bool_,
    )


def _present(
    keys: tuple[SeriesKey, ...], observed: Floats, visible: npt.NDArray[np.bool_], departed: Mapping[str, Seconds]
) -> npt.NDArray[np.bool_]:
    """Which series would say something by being missing: not of services that are nobody's loss any more."""
    return visible & ~(_of(keys, departed) & np.isnan(observed)) if departed else visible


def _of(keys: tuple[SeriesKey, ...], services: Mapping[str, Seconds]) -> npt.NDArray[np.bool_]:
    """Which series are of some services."""
    return np.array([key.service_name in services for key in keys], dtype=np.bool_)


def _observed(keys: tuple[SeriesKey, ...], seen: Observations, column: int, visible: npt.NDArray[np.bool_]) -> Floats:
    """The points in the order of the keys."""
    points = dict(zip(seen.history.keys, seen.history.values[:, column], strict=True))
    observed = np.array([points.get(key, np.nan) for key in keys], dtype=np.float64)
    # A value seen through a gap is too low or too high: better none than that one.
    return np.where(visible, observed, np.nan)


def _counts(keys: tuple[SeriesKey, ...], seen: History, column: int) -> Floats | None:
    """How many events the newest shares are of, in the order of the keys; None where that is unknown of all."""
    if seen.counts is None:
        return None
    known = {key: count for key, count in zip(seen.keys, seen.counts[:, column], strict=True) if not np.isnan(count)}
    return np.array([known.get(key, np.nan) for key in keys], dtype=np.float64)


def _reading(
    keys: tuple[SeriesKey, ...],
    result: Evaluated,
    visible: npt.NDArray[np.bool_],
    at: Seconds,
    hidden: frozenset[str],
    seen: Observations,
) -> Reading:
    score = result.scores.score
    rows = {key: row for row, key in enumerate(keys)}
    judged = visible & np.isfinite(score)
    held = {finding.key for finding in result.findings}
    out = [keys[row] for row in np.flatnonzero(judged & (score >= 1.0))]
    return Reading(
        at=at,
        findings=tuple(finding for finding in result.findings if visible[rows[finding.key]]),
        judged=frozenset(keys[row] for row in np.flatnonzero(judged)),
        calm=frozenset(keys[row] for row in np.flatnonzero(judged & (score < 1.0))) - held,
        suspects=frozenset(key.service_name for key in out if key not in held),
        hidden=hidden,
        withheld=frozenset(keys[row] for row in np.flatnonzero(~visible)),
        callees=seen.callees,
    )


def _nothing_seen(at: Seconds, hidden: frozenset[str], seen: Observations) -> Reading:
    return Reading(at, (), frozenset(), frozenset(), frozenset(), hidden, seen.callees)


def _told(knowledge: Knowledge, reading: Reading, terms: Terms) -> Knowledge:
    if reading.at <= knowledge.told_at:
        return knowledge
    book = advance(knowledge.book, reading, terms.signals, terms.rules)
    # A replay of what was missed while Prometheus was silent does not end that silence: its own answer now does.
    silent = {PROMETHEUS: book.sights[PROMETHEUS].starts_at} if PROMETHEUS in book.sights else {}
    book = see(book, {**silent, **knowledge.sight.unseen(reading.at)}, reading.at, terms.rules)
    return replace(knowledge, book=book, told_at=reading.at)
