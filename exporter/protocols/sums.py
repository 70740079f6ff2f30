"""What fills a packet whose head alone was copied, where answers of the same lengths came before."""

from collections.abc import Sequence

MOST_LENGTHS = 8
MOST_HIDDEN = 4  # in one packet
MOST_SUMS = 512

Outcome = tuple[str, bool]
"""An answer's status, and whether it failed."""
Way = tuple[int, ...]
"""Lengths, the shortest first."""


class Sums:
    """The lengths of a connection's answers, with what they said; of two of the same length the latest counts."""

    __slots__ = ("_outcomes",)

    def __init__(self) -> None:
        self._outcomes: dict[int, Outcome] = {}

    def learn(self, size_bytes: int, outcome: Outcome) -> None:
        """Remember an answer."""
        self._outcomes.pop(size_bytes, None)
        if len(self._outcomes) >= MOST_LENGTHS:
            del self._outcomes[next(iter(self._outcomes))]
        self._outcomes[size_bytes] = outcome

    def behind(self, size_bytes: int, outcome: Outcome) -> Sequence[tuple[int, Outcome]]:
        """Return the answers behind the first one of so many bytes, with their lengths.

        That is what fills them with known lengths in one way, the shortest. If there are two nothing is told; if there
        is none they are taken for a single answer, and remembered.
        """
        if self._outcomes.get(size_bytes) == outcome:
            return ()
        sums: dict[int, frozenset[Way]] = {
            size: frozenset({(size,)}) for size, known in self._outcomes.items() if known == outcome
        }
        for _ in range(MOST_HIDDEN):
            sums = self._longer(sums, size_bytes)
            if size_bytes in sums or len(sums) > MOST_SUMS:
                break
        ways = list(sums.get(size_bytes, ()))
        if not ways:
            self.learn(size_bytes, outcome)
        return self._without(ways[0], outcome) if len(ways) == 1 else ()

    def _longer(self, sums: dict[int, frozenset[Way]], most: int) -> dict[int, frozenset[Way]]:
        """Return all sums of one more length that are no longer than `most`, each with up to two ways to it."""
        longer: dict[int, frozenset[Way]] = {}
        for total, ways in sums.items():
            for size in self._outcomes:
                if total + size <= most:
                    found = longer.get(total + size, frozenset()) | {tuple(sorted((*way, size))) for way in ways}
                    longer[total + size] = frozenset(sorted(found)[:2])
        return longer

    def _without(self, way: Way, outcome: Outcome) -> Sequence[tuple[int, Outcome]]:
        """Return a way without the first answer, which said that."""
        rest = list(way)
        rest.remove(next(size for size in way if self._outcomes[size] == outcome))
        return [(size, self._outcomes[size]) for size in rest]
