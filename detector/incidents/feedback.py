"""What people say of alerts: a silence whose comment says that it was a false alarm makes its series less sensitive."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detector.model import Floats, Seconds, SeriesKey

FALSE_ALARM = re.compile(r"\blarimar:\s*false\b", re.IGNORECASE)
# A false alarm asks for half as much again before the next; said often, for four times as much and no more.
STEP = 1.5
MOST = 4.0
KEPT_SECONDS = 28 * 86_400.0  # by then what was usual is part of the history that is learnt from
MOST_VERDICTS = 10_000
PLAIN = re.compile(r"[^\\.+*?()|\[\]{}^$]*")


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label, as Alertmanager has it."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def values(self) -> frozenset[str]:
        """The values it names, each in full; none where it leaves them open."""
        if not self.is_equal:
            return frozenset()
        if not self.is_regex:
            return frozenset({self.value})
        # What Alertmanager's own page makes of several values. Other expressions are not run: they come from outside.
        parts = self.value.removeprefix("^").removesuffix("$").removeprefix("(").removesuffix(")").split("|")
        texts = [re.sub(r"\\([^A-Za-z0-9])", r"\1", part) if "\\" in part else part for part in parts]
        plain = all(PLAIN.fullmatch(re.sub(r"\\[^A-Za-z0-9]", "", part)) for part in parts)
        return frozenset(texts) if plain else frozenset()


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence of an Alertmanager, in force or over; `updated_at` is when it was last changed."""

    name: str
    comment: str
    updated_at: Seconds
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A false alarm: of which services, of which signals (none: of all), said when, of calls to whom (none: to all)."""

    services: frozenset[str]
    signals: frozenset[str]
    at: Seconds
    servers: frozenset[str] = frozenset()

    def covers(self, key: SeriesKey) -> bool:
        """Whether a series is meant."""
        named = key.service_name in self.services and (not self.signals or key.signal in self.signals)
        return named and (not self.servers or key.server in self.servers)


Feedback = Mapping[str, Verdict]  # by the silence's name


def heard(before: Feedback, silences: Iterable[Silence], now: Seconds) -> Feedback:
    """Return what has been said up to now.

    A silence that is over, or that Alertmanager has forgotten, still counts; one whose comment was changed to say
    something else does not, which is how a verdict is taken back. Some changes end a silence and make another one of
    the same matchers at the same moment.
    """
    after, known = dict(before), list(silences)
    otherwise = {_moment(silence) for silence in known if not FALSE_ALARM.search(silence.comment)}
    for silence in known:
        services, signals = _named(silence, "service_name"), _named(silence, "signal")
        if FALSE_ALARM.search(silence.comment) and services and _moment(silence) not in otherwise:
            after[silence.name] = Verdict(services, signals, silence.updated_at, _named(silence, "server"))
        else:
            after.pop(silence.name, None)
    newest = sorted(after.items(), key=lambda item: (item[1].at, item[0]))[-MOST_VERDICTS:]
    return {name: verdict for name, verdict in newest if now - verdict.at <= KEPT_SECONDS}


def tolerance(feedback: Feedback, keys: Sequence[SeriesKey]) -> Floats:
    """Return by how much more than usual each series may depart; shape (series,), 1 where nothing was said."""
    factors = np.ones(len(keys))
    named = frozenset(name for verdict in feedback.values() for name in verdict.services)
    if not named:
        return factors
    for row, key in enumerate(keys):
        if key.service_name in named:
            said = sum(verdict.covers(key) for verdict in feedback.values())
            factors[row] = min(STEP**said, MOST)
    return factors


def _moment(silence: Silence) -> tuple[frozenset[Matcher], Seconds]:
    return frozenset(silence.matchers), silence.updated_at


def _named(silence: Silence, label: str) -> frozenset[str]:
    found = [matcher.values() for matcher in silence.matchers if matcher.name == label]
    return frozenset.intersection(*found) if found else frozenset()
