"""Follows how every service behaves: its fingerprint, its class, its distance from its usual self."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from exporter.fingerprint.activity import Activity, Reading
from exporter.fingerprint.dimensions import Vector, vector
from exporter.fingerprint.judgement import UNJUDGED, Judge, Judgement
from exporter.fingerprint.model import Model
from exporter.fingerprint.usual import LEAST_SECONDS, Distance, Level, Usual
from exporter.identity.facts import ServiceClass

RETAIN_SECONDS = 3600.0
RECALLED_SECONDS = 120.0
"""So long a service is looked at before it is compared with what is known of it from before the exporter started."""
LEAST_INTERVAL_SECONDS = 1.0
"""Two scrapes in one second tell no more than one."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a service behaves.

    Attributes:
        vector: the fingerprint.
        judgement: its class.
        distance: from its usual fingerprint, None before that is known.
        seen: the indices of the dimensions that ever were above zero.
    """

    vector: Vector
    judgement: Judgement
    distance: Distance | None
    seen: Set[int] = frozenset()


@dataclass(slots=True)
class _Followed:
    """One service's state."""

    usual: Usual
    activity: Activity = field(default_factory=Activity)
    judge: Judge = field(default_factory=Judge)
    seen: frozenset[int] = frozenset()
    at: float = 0.0
    compared_at: float = 0.0


class Profiles:
    """The profiles of all services.

    Args:
        model: what tells classes by behaviour; None where its file cannot be used.
        usual_seconds: how long a dimension must have been known before a distance from it is told.
        recalled: what services were usually like before, by name and index of the dimension.
    """

    def __init__(
        self,
        model: Model | None,
        usual_seconds: float = LEAST_SECONDS,
        recalled: Mapping[str, Mapping[int, Level]] = MappingProxyType({}),
    ) -> None:
        self._model = model
        self._usual_seconds = usual_seconds
        self._recalled = dict(recalled)
        self._followed: dict[str, _Followed] = {}
        self._profiles: dict[str, Profile] = {}

    def update(
        self, readings: Mapping[str, Reading], known: Mapping[str, ServiceClass], now: float
    ) -> Mapping[str, Profile]:
        """Take a reading of every service that has a process, and return their profiles.

        Args:
            known: the classes that programs tell, by service.
            now: seconds, of any clock that does not go back.
        """
        profiles = {}
        for name, reading in readings.items():
            followed = self._followed.get(name)
            if followed is None:
                followed = self._followed[name] = self._first(name, now)
            seconds = now - followed.at
            if 0 < seconds < LEAST_INTERVAL_SECONDS and name in self._profiles:
                profiles[name] = self._profiles[name]
                continue
            followed.at = now
            profiles[name] = self._profile(followed, reading, known.get(name, ServiceClass.UNKNOWN), seconds)
        for name in [name for name, one in self._followed.items() if now - one.at > RETAIN_SECONDS]:
            del self._followed[name]
        self._profiles = profiles
        return profiles

    def usual(self) -> Mapping[str, Mapping[int, Level]]:
        """Return what services usually are like, those not seen again among them."""
        return {**self._recalled, **{name: followed.usual.levels() for name, followed in self._followed.items()}}

    def latest(self) -> Mapping[str, Profile]:
        """Return what the last update found."""
        return self._profiles

    def _first(self, name: str, now: float) -> _Followed:
        followed = _Followed(Usual(self._usual_seconds), at=now)
        recalled = self._recalled.pop(name, None)
        if recalled is not None:
            followed.usual.recall(recalled)
            followed.compared_at = now + RECALLED_SECONDS
        return followed

    def _profile(self, followed: _Followed, reading: Reading, known: ServiceClass, seconds: float) -> Profile:
        followed.activity.add(reading, seconds)
        found = vector(followed.activity)
        is_known = known is not ServiceClass.UNKNOWN
        likely = self._model.probabilities(found) if self._model is not None and not is_known else {}
        judgement = followed.judge.judge(known, likely, seconds) if likely or is_known else UNJUDGED
        followed.seen |= {index for index, value in enumerate(found) if value}
        is_settled = followed.at >= followed.compared_at
        distance = followed.usual.distance(found) if is_settled else None
        if seconds and is_settled:
            followed.usual.learn(found, seconds)
        return Profile(found, judgement, distance, followed.seen)
