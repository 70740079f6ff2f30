"""The routes of one service, learnt from the outlines of its paths (`protocols/paths.py`).

A tree of the parts of its paths, of bounded size. A word gets a place of its own once it was asked for, with success,
often enough for how many others there are beside it; until then, and for good where there are too many, it is `{slug}`.
Behind the name of a kind of things every other word is `{slug}` at once. What was never answered with success is no
route, and all of it is one. So a route that was given keeps its name, and what is counted by it never moves.
"""

from dataclasses import dataclass

from exporter.services.route_words import WORDS, has_members

SLUG = "{slug}"
MAX_PLACES = 2048
MAX_WORDS = 24  # beside each other, those of `route_words` aside
MAX_TRIED = 48  # words that wait for a place, beside each other
LEAST_SEEN = 2  # and once more for each word beside it


class Place:
    """A part of some paths.

    Attributes:
        parts: what may come next: words and placeholders.
        tried: how often other words came, as long as they may still get a place; None once they may not.
        words: how many got one.
        ends: whether a path that ends here was answered with success.
    """

    __slots__ = ("ends", "parts", "tried", "words")

    def __init__(self, member: bool) -> None:
        self.parts: dict[str, Place] = {}
        self.tried: dict[str, int] | None = None if member else {}
        self.words = 0
        self.ends = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path belongs.

    Attributes:
        name: the template; empty for what is none.
        settled: whether the same outline will always get this name.
    """

    name: str
    settled: bool


NO_ROUTE = Route("", settled=False)


class Routes:
    """The tree of one service.

    Args:
        topics: whether these are topics rather than paths: they begin with no slash, may be told apart by full stops,
            and their words name no kinds of things.

    Attributes:
        places: how many there are.
    """

    __slots__ = ("_root", "_topics", "places")

    def __init__(self, topics: bool = False) -> None:
        self._topics = topics
        self._root = Place(member=False)
        self.places = 0

    def route(self, outline: str, succeeded: bool) -> Route:
        """Return where an outline belongs; learn from it if it was answered with success."""
        place, settled = self._root, True
        parts = []
        separator = "/" if "/" in outline or not self._topics else "."
        for part in outline.strip(separator).split(separator) if len(outline) > 1 else ():
            known = place.parts.get(part)
            if known is None:
                if "{" not in part and part not in WORDS:
                    part = self._word(place, part, succeeded)  # noqa: PLW2901
                    settled = settled and (part != SLUG or place.tried is None)
                known = place.parts.get(part) or self._add(place, part, succeeded)
                if known is None:
                    return NO_ROUTE
            parts.append(part)
            place = known
        place.ends = place.ends or succeeded
        if not place.ends:
            return NO_ROUTE
        return Route(("" if self._topics else "/") + separator.join(parts), settled)

    def _word(self, place: Place, word: str, succeeded: bool) -> str:
        """Return the word if it gets a place now, else what stands for it."""
        if place.tried is None or not succeeded:
            return SLUG
        seen = place.tried.get(word, 0) + 1
        place.tried[word] = seen
        if seen >= LEAST_SEEN + len(place.tried) + place.words:
            del place.tried[word]
            place.words += 1
        else:
            word = SLUG
        if place.words >= MAX_WORDS or len(place.tried) > MAX_TRIED:
            place.tried = None
        return word

    def _add(self, place: Place, part: str, succeeded: bool) -> Place | None:
        if not succeeded or self.places >= MAX_PLACES:
            return None
        self.places += 1
        added = place.parts[part] = Place(member=not self._topics and has_members(part))
        return added
