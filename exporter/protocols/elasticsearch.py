"""Elasticsearch and OpenSearch over HTTP/1: the same requests, named by what their paths ask of which index."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from exporter.model import Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols import http
from exporter.protocols.base import Family, Match, ProtocolSpec, unmeasured
from exporter.protocols.http import HttpParser
from exporter.protocols.http_head import LONG_TARGET_BYTES, MAX_METHOD_BYTES, TOKEN, match_server
from exporter.protocols.names import schema_name

# What no other protocol's paths have behind the index, if there is one. CouchDB's also begin with `_`: what it has as
# well (`_explain`, `_security`, `_stats`, `_index`) is not among them.
TELLING_ENDPOINTS = (
    "_search _msearch _bulk _doc _create _mget _count _cluster _cat _update _update_by_query _delete_by_query "
    "_mapping _mappings _refresh _flush _forcemerge _pit _reindex _field_caps _ilm _index_template "
    "_component_template _alias _aliases _analyze _source _async_search _data_stream _search_shards _termvectors "
    "_settings _ingest _snapshot _sql _eql _knn_search _rank_eval _resolve _transform _license _xpack _template "
    "_nodes _tasks"
)
TELLING = frozenset(TELLING_ENDPOINTS.split())
# Beyond those, what a connection that is known to be Elasticsearch's may ask.
OTHER_ENDPOINTS = (
    "_explain _security _stats _validate _query _scripts _segments _recovery _open _close _render _ml _slm _ccr "
    "_watcher _plugins _rollup _shard_stores _cache _clone _shrink _split _rollover _monitoring"
)
KNOWN = TELLING.union(OTHER_ENDPOINTS.split())
OF_DOCUMENTS = {"PUT": "index", "POST": "index", "GET": "get", "HEAD": "exists", "DELETE": "delete"}
OF_INDICES = {"PUT": "indices.create", "GET": "indices.get", "HEAD": "indices.exists", "DELETE": "indices.delete"}
# Of which the word behind tells what is asked.
GROUPS = frozenset({"_cluster", "_cat", "_nodes", "_search"})
BEHIND_GROUPS = (
    "health state stats settings reroute pending_tasks allocation indices shards nodes master aliases count "
    "segments recovery thread_pool templates plugins fielddata repositories snapshots tasks hot_threads usage "
    "reload_secure_settings info scroll template point_in_time http"
)
WORDS = frozenset(BEHIND_GROUPS.split())
PRODUCT = b"\nx-elastic-product:"
# In which its own clients name themselves; the first thing that they ask is `/`, which tells nothing.
OF_CLIENTS = (
    b"\nx-elastic-client-meta:",
    b"\nuser-agent: elasticsearch",
    b"\nuser-agent: elastic-transport",
    b"\nuser-agent: opensearch",
    b"\naccept: application/vnd.elasticsearch+json",
)
OTHER = Operation("OTHER")
INFO = Operation("info")
REMEMBERED = 2048


class ElasticsearchParser:
    """One connection's state."""

    __slots__ = ("_http",)

    def __init__(self) -> None:
        self._http = HttpParser()

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        return _named(self._http.feed(direction, data, at))

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        return _named(self._http.gap(direction, size_bytes, at))

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the body, or of its chunk."""
        return self._http.skippable(direction)

    def left(self) -> bytes | None:
        """Return what followed an upgrade, None while there was none."""
        return self._http.left()

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the messages whose bodies were cut short or end with the connection."""
        return _named(self._http.finish(at))


def _named(messages: Sequence[Message]) -> Sequence[Message]:
    if not any(message.kind is Kind.REQUEST for message in messages):
        return messages
    return [
        replace(one, operation=operation_of(one.operation)) if one.kind is Kind.REQUEST else one for one in messages
    ]


@lru_cache(REMEMBERED)
def operation_of(asked: Operation) -> Operation:
    """Return what a method and a path's outline ask of Elasticsearch, and of which index."""
    parts = asked.target.strip("/").split("/")
    place = next((at for at, part in enumerate(parts[:2]) if part.startswith("_")), -1)
    index = schema_name(parts[0].encode()) if place else ""
    if place < 0:
        if parts == [""]:
            return INFO
        name = OF_INDICES.get(asked.name, "OTHER") if len(parts) == 1 else "OTHER"
        return Operation(name, index)
    endpoint = parts[place]
    if endpoint == "_doc":
        return Operation(OF_DOCUMENTS.get(asked.name, "OTHER"), index)
    if endpoint not in KNOWN:
        return OTHER
    word = parts[place + 1] if len(parts) > place + 1 else ""
    name = f"{endpoint[1:]}.{word}" if endpoint in GROUPS and word in WORDS else endpoint[1:]
    return Operation(name, index)


def match(client: bytes, server: bytes) -> Match:
    """Judge by the client's path, or by fields in which either side names itself; it is HTTP all the same."""
    if match_server(server) is Match.YES and PRODUCT in server.partition(b"\r\n\r\n")[0].lower():
        return Match.YES
    if not client:
        return Match.NOT_YET
    method, _, rest = client.lstrip(b"\r\n").partition(b" ")
    if len(method) > MAX_METHOD_BYTES or not TOKEN.issuperset(method) or (server and match_server(server) is Match.NO):
        return Match.NO
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if len(path) == len(rest):
        return Match.NOT_YET if len(rest) < LONG_TARGET_BYTES else Match.NO
    parts = path[1:].split(b"/", 2)[:2]
    if any(part.decode("latin-1") in TELLING for part in parts):
        return Match.YES
    head = rest.partition(b"\r\n\r\n")[0].lower()
    return Match.YES if any(field in head for field in OF_CLIENTS) else Match.NO


# It also stands behind proxies on the ports of HTTP, where HTTP must not outrank it.
SPEC = ProtocolSpec(
    *("elasticsearch", http.SPEC.ports | {9200}, match, ElasticsearchParser, Family.DATABASE),
    heads_tell=True,
    trains=unmeasured,
)
