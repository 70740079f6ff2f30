"""The metrics page: text or OpenMetrics by content negotiation, compressed, with all metrics or chosen names."""

import copy
import gzip
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from toolkit.exposition import Collects, Exposition
from toolkit.families import Family
from toolkit.http1 import Handler, Request, Response, accepts

if TYPE_CHECKING:
    from prometheus_client import Metric

GZIP_LEVEL = 1  # a tenth of level 9's time, a few per cent larger
_GZIP_BYTES = 1024  # below a packet there is nothing to win


class Joined:
    """Several collectors as one."""

    def __init__(self, collectors: Sequence[Collects]) -> None:
        self._collectors = tuple(collectors)

    def collect(self) -> "Iterator[Metric]":
        """Yield the families of each in turn."""
        for collector in self._collectors:
            yield from collector.collect()


class _Chosen:
    """The families and samples of the given names."""

    def __init__(self, inner: Collects, names: frozenset[str]) -> None:
        self._inner = inner
        self._names = names

    def collect(self) -> "Iterable[Metric]":
        for family in self._inner.collect():
            part = family if family.name in self._names else self._part(family)
            if part is not None:
                yield part

    def _part(self, family: "Metric") -> "Metric | None":
        if isinstance(family, Family):
            return family.only(self._names)
        part = copy.copy(family)
        part.samples = [sample for sample in family.samples if sample.name in self._names]
        return part if part.samples else None


def metrics_handler(registry: Collects) -> Handler:
    """Return the handler of `/metrics`; it collects for one scrape at a time, so collectors need no locks."""
    one_at_a_time = threading.Lock()
    exposition = Exposition()

    def metrics(request: Request) -> Response:
        names = frozenset(request.query.get("name[]", ()))
        chosen = _Chosen(registry, names) if names else registry
        with one_at_a_time:
            body, content_type = exposition.page(chosen, request.headers.get("accept", ""))
        headers: tuple[tuple[str, str], ...] = (("Vary", "Accept, Accept-Encoding"),)
        if len(body) >= _GZIP_BYTES and accepts(request.headers.get("accept-encoding", ""), "gzip"):
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers = (*headers, ("Content-Encoding", "gzip"))
        return Response(body, content_type, headers=headers)

    return metrics
