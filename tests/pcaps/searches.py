"""Records the official client of Elasticsearch at a scripted server, whose log of answers is what it counted."""

from collections import Counter
from pathlib import Path

from tests.live.support.search import asking, searchable
from tests.pcaps.tape import recorded

ROUNDS = 12


def elasticsearch(folder: Path, file: Path) -> dict[str, object]:
    """Record it; the operations are those that the client was told to do."""
    folder.mkdir()
    with searchable(folder) as server:
        with recorded(file, server.port), asking(folder, server.port, ROUNDS):
            pass
        statuses = Counter(line.split()[0] for line in server.log.read_text().splitlines())
    errors = sum(count for status, count in statuses.items() if status >= "400")
    return {
        "requests": statuses.total(),
        "errors": errors,
        "statuses": statuses,
        "operations": dict.fromkeys(("index", "search", "count", "get"), ROUNDS),
    }
