"""The metrics page: text or OpenMetrics by content negotiation, compressed, with all metrics or chosen names."""

import gzip
import threading
from collections.abc import Iterable

from prometheus_client import Metric

from toolkit.exposition import Collects, Exposition
from toolkit.families import Family
from toolkit.http1 import Handler, Request, Response, accepts

GZIP_LEVEL = 1  # a tenth of level 9's time, a few per cent larger
_GZIP_BYTES = 1024  # below a packet there is nothing to win


class _Chosen:
    """The families and samples of the given names."""

    def __init__(self, inner: Collects, names: frozenset[str]) -> None:
        self._inner = inner
        self._names = names

    def collect(self) -> Iterable[Metric]:
        for family in self._inner.collect():
            if family.name in self._names or (
                isinstance(family, Family) and self._names.issuperset(family.series_names)
            ):
                yield family
                continue
            samples = [sample for sample in family.samples if sample.name in self._names]
            if samples:
                part = Metric(family.name, family.documentation, family.type, family.unit)
                part.samples = samples
                yield part


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
