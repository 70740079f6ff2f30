"""Real HTTP servers on loopback that play Prometheus and Alertmanager, and misbehave on request."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from detector.model import Seconds
from tests.detector.world import World, answer


class Mood(Enum):
    """How a server behaves."""

    WELL = auto()
    ERROR = auto()  # 503 with an HTML page
    BAD_QUERY = auto()  # 400 as Prometheus says it
    CUT = auto()  # the answer ends in its middle
    TRUNCATED = auto()  # JSON that ends in its middle, with a matching length
    NONSENSE = auto()  # JSON, but not the API's
    LIST = auto()
    HTML = auto()  # 200 with a page
    TWICE = auto()  # a series twice
    UNORDERED = auto()  # samples out of order
    PARTIAL = auto()  # part of the series, and it says so
    HANG_UP = auto()  # no answer at all
    HANG_UP_ONCE = auto()  # the same, but only once
    DRIP = auto()  # a byte now and then
    FLOOD = auto()  # far more than was asked for


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms for the first's receipt

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Hand the body to the server's play."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.play(self, body)  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        """The same without a body."""
        self.server.play(self, b"")  # type: ignore[attr-defined]

    def reply(self, status: int, body: bytes, claimed: int | None = None) -> None:
        """Answer, perhaps claiming another length."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if claimed is None else claimed))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, play: Callable[[_Handler, bytes], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.play = play

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the play."""


@contextmanager
def _serving(play: Callable[[_Handler, bytes], None]) -> Iterator[str]:
    server = _Server(play)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class FakePrometheus:
    """Answers from a world."""

    world: World
    window: Seconds = 120.0
    mood: Mood = Mood.WELL
    url: str = ""
    asked: list[str] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)  # of each range
    timeouts: list[tuple[str, str]] = field(default_factory=list)  # path and time-out of each query
    release: threading.Event = field(default_factory=threading.Event)
    broken: tuple[str, ...] = ()  # queries holding one of these are refused
    widest: int = 1 << 30  # ranges of more columns get no answer
    headers: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)  # of metrics, by their names

    @contextmanager
    def serving(self) -> Iterator["FakePrometheus"]:
        """Run."""
        with _serving(self._play) as self.url:
            try:
                yield self
            finally:
                self.release.set()

    def _play(self, handler: _Handler, body: bytes) -> None:
        self.headers = dict(handler.headers)
        if handler.path == "/api/v1/metadata":
            known = {name: [{"type": kind, "help": "", "unit": ""}] for name, kind in self.types.items()}
            self._send(handler, {"status": "success", "data": known})
            return
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append(form["query"])
        self.timeouts.append((handler.path, form["timeout"]))
        if any(part in form["query"] for part in self.broken):
            handler.reply(400, BAD_QUERY)
            return
        document = self._document(form, handler.path.endswith("query_range"))
        if self.columns and handler.path.endswith("query_range") and self.columns[-1] > self.widest:
            handler.close_connection = True
            return
        self._send(handler, document)

    def _document(self, form: dict[str, str], is_range: bool) -> dict[str, Any]:
        if is_range:
            start, end, step = (float(form[name]) for name in ("start", "end", "step"))
            times = np.arange(round((end - start) / step) + 1, dtype=np.float64) * step + start
            self.columns.append(len(times))
        else:
            times = np.array([float(form["time"])], dtype=np.float64)
        rows = answer(self.world, self.window, form["query"], times)
        result = [_series(labels, times, values, is_range) for labels, values in rows if not np.all(np.isnan(values))]
        return {"status": "success", "data": {"resultType": "matrix" if is_range else "vector", "result": result}}

    def _send(self, handler: _Handler, document: dict[str, Any]) -> None:
        if self.mood in (Mood.HANG_UP, Mood.HANG_UP_ONCE):
            self.mood = Mood.WELL if self.mood is Mood.HANG_UP_ONCE else self.mood
            handler.close_connection = True
        elif self.mood is Mood.DRIP:
            self._drip(handler)
        elif self.mood is Mood.CUT:
            whole = json.dumps(document).encode()
            handler.reply(200, whole[: len(whole) // 2], claimed=len(whole))
            handler.close_connection = True
        else:
            status, body = REPLIES[self.mood](document)
            handler.reply(status, body)

    def _drip(self, handler: _Handler) -> None:
        handler.reply(200, b"{", claimed=10_000)
        for _ in range(10_000):
            if self.release.wait(0.05):
                return
            handler.wfile.write(b" ")


def _well(document: dict[str, Any]) -> tuple[int, bytes]:
    return 200, json.dumps(document, separators=(",", ":")).encode()  # as real ones write it


def _truncated(document: dict[str, Any]) -> tuple[int, bytes]:
    whole = json.dumps(document).encode()
    return 200, whole[: len(whole) // 2]


def _twice(document: dict[str, Any]) -> tuple[int, bytes]:
    document["data"]["result"] *= 2
    return _well(document)


def _unordered(document: dict[str, Any]) -> tuple[int, bytes]:
    for series in document["data"]["result"]:
        if "values" in series:
            series["values"].reverse()
        else:
            series["value"] = [series["value"][0] - 7, "1"]
    return _well(document)


def _partial(document: dict[str, Any]) -> tuple[int, bytes]:
    document["data"]["result"] = document["data"]["result"][:1]
    document["warnings"] = ["store-2: connection refused"]
    return _well(document)


BAD_QUERY = b'{"status":"error","errorType":"bad_data","error":"parse error"}'
REPLIES: Mapping[Mood, Callable[[dict[str, Any]], tuple[int, bytes]]] = {
    Mood.WELL: _well,
    Mood.ERROR: lambda _: (503, b"<html>upstream is away</html>"),
    Mood.BAD_QUERY: lambda _: (400, BAD_QUERY),
    Mood.TRUNCATED: _truncated,
    Mood.NONSENSE: lambda _: (200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}'),
    Mood.LIST: lambda _: (200, b"[1,2,3]"),
    Mood.HTML: lambda _: (200, b"<html>log in first</html>"),
    Mood.TWICE: _twice,
    Mood.UNORDERED: _unordered,
    Mood.PARTIAL: _partial,
    Mood.FLOOD: lambda document: (200, json.dumps(document).encode() + b" " * (4 << 20)),
}


def _series(labels: dict[str, str], times: Any, values: Any, is_range: bool) -> dict[str, Any]:
    samples = [[at, _text(value)] for at, value in zip(times, values, strict=True) if not math.isnan(value)]
    return {"metric": labels, "values": samples} if is_range else {"metric": labels, "value": samples[0]}


def _text(value: float) -> str:
    return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, repr(float(value)))


@dataclass(frozen=True, slots=True)
class Posted:
    """One alert as it was posted."""

    at: Seconds
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Seconds
    ends_at: Seconds


@dataclass(slots=True)
class Episode:
    """What one set of labels was notified for: from `fired_at` to `resolved_at`, None while it fires."""

    labels: dict[str, str]
    fired_at: Seconds
    starts_at: Seconds
    annotations: dict[str, str]
    resolved_at: Seconds | None = None
    expired: bool = False  # resolved because nobody re-sent it


@dataclass(slots=True)
class FakeAlertmanager:
    """Takes alerts as Alertmanager's dispatcher does: by labels, ended by endsAt."""

    now: Callable[[], Seconds]
    status: int = 200
    hang_up: bool = False
    refuse: Callable[[dict[str, str]], bool] = lambda _: False
    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    posts: int = 0
    raw: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    silences: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator["FakeAlertmanager"]:
        """Run."""
        with _serving(self._play) as self.url:
            yield self

    def _play(self, handler: _Handler, body: bytes) -> None:
        if handler.command == "GET":
            handler.reply(200, json.dumps(self.silences).encode())
            return
        self.posts += 1
        self.headers = dict(handler.headers)
        if self.hang_up:
            handler.close_connection = True
            return
        if self.status not in (200, 400):
            handler.reply(self.status, b"away")
            return
        self.raw.append(body)
        alerts = json.loads(body)
        bad = [alert for alert in alerts if self.refuse(alert["labels"])]
        self.posted += [self._posted(alert) for alert in alerts if alert not in bad]
        handler.reply(400 if bad else self.status, b'{"code":601,"message":"invalid"}' if bad else b"")

    def _posted(self, alert: dict[str, Any]) -> Posted:
        return Posted(
            self.now(), alert["labels"], alert["annotations"], _seconds(alert["startsAt"]), _seconds(alert["endsAt"])
        )

    def episodes(self) -> list[Episode]:
        """What would have been notified."""
        found: list[Episode] = []
        current: dict[frozenset[tuple[str, str]], tuple[Episode, Seconds]] = {}
        for post in self.posted:
            key = frozenset(post.labels.items())
            episode, ends_at = current.pop(key, (None, 0.0))
            if episode is not None and ends_at < post.at:
                episode.resolved_at, episode.expired, episode = ends_at, True, None
            if post.ends_at > post.at:
                if episode is None:
                    episode = Episode(post.labels, post.at, post.starts_at, post.annotations)
                    found.append(episode)
                current[key] = (episode, post.ends_at)
            elif episode is not None:
                episode.resolved_at = post.ends_at
        return found


def _seconds(text: str) -> Seconds:
    return datetime.fromisoformat(text).timestamp()


def named(episodes: list[Episode]) -> list[tuple[str, str, str]]:
    """What each is of: its alert, its service or instance, its signal."""
    labels = [episode.labels for episode in episodes]
    return [(one["alertname"], one.get("service_name", one.get("instance", "")), one["signal"]) for one in labels]


def only(alertmanager: FakeAlertmanager) -> Episode:
    """The one there is."""
    episodes = alertmanager.episodes()
    assert len(episodes) == 1, named(episodes)
    return episodes[0]
