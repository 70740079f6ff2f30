"""A service's class: what its program is known to be, else what its behaviour has long been like."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.identity.facts import ServiceClass

HALF_LIFE_SECONDS = 60.0
LEAST_SECONDS = 20.0
"""So long a service is looked at before its behaviour is said to tell anything."""
_LEAST_CONFIDENCE = 0.5
# Another class must be so much likelier than the one that was told, or a service between two would be either by turns.
_LEAD = 0.2


class ClassSource(StrEnum):
    """What a class was told from; the `class_source` label's value."""

    PROGRAM = "program"
    BEHAVIOUR = "behaviour"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A class, how sure it is from 0 to 1, and what from."""

    kind: ServiceClass
    confidence: float
    source: ClassSource


UNJUDGED = Judgement(ServiceClass.UNKNOWN, 0.0, ClassSource.NONE)


@dataclass(slots=True)
class Judge:
    """What a service's behaviour was like so far."""

    told: ServiceClass = ServiceClass.UNKNOWN
    _means: dict[ServiceClass, float] = field(default_factory=dict)
    _seconds: float = 0.0

    def judge(self, known: ServiceClass, found: Mapping[ServiceClass, float], seconds: float) -> Judgement:
        """Return the class after another look.

        Args:
            known: what the program is known to be.
            found: how likely each class is by the newest fingerprint.
            seconds: since the look before.
        """
        if known is not ServiceClass.UNKNOWN:
            return Judgement(known, 1.0, ClassSource.PROGRAM)
        self._seconds += seconds
        weight = max(1.0 - math.exp2(-seconds / HALF_LIFE_SECONDS), seconds / self._seconds if self._seconds else 1.0)
        for kind, share in found.items():
            before = self._means.get(kind, share)
            self._means[kind] = before + weight * (share - before)
        likeliest = max(self._means, key=self._means.__getitem__)
        if self._seconds < LEAST_SECONDS or self._means[likeliest] < _LEAST_CONFIDENCE:
            likeliest = self.told if self._means.get(self.told, 0.0) > 1 / len(self._means) else ServiceClass.UNKNOWN
        elif self._means[likeliest] >= self._means.get(self.told, 0.0) + _LEAD:
            self.told = likeliest
        if likeliest is ServiceClass.UNKNOWN:
            self.told = ServiceClass.UNKNOWN
            return UNJUDGED
        return Judgement(self.told, self._means[self.told], ClassSource.BEHAVIOUR)
