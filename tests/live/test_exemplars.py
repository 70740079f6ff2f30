"""Traces of requests, as a real Prometheus with exemplar storage tells of them."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.live.support import packages, stack
from tests.live.support.seen import UNSHED
from tests.live.support.waiting import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
QUERY = "larimar_request_duration_seconds_bucket"
SCRAPE_SECONDS = 1.0


class Answering(BaseHTTPRequestHandler):
    """Answers every GET with nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def server() -> Iterator[int]:
    """Run a server of this process."""
    answering = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=answering.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield answering.server_port
    finally:
        answering.shutdown()
        answering.server_close()
        thread.join()


def exemplars(prometheus: stack.Prometheus) -> list[dict[str, Any]]:
    """Return the exemplars of request durations that Prometheus holds."""
    answer = requests.get(
        f"{prometheus.url}/api/v1/query_exemplars",
        params={"query": QUERY, "start": "0", "end": "9999999999"},
        timeout=30,
    )
    answer.raise_for_status()
    return [each for series in answer.json()["data"] for each in series["exemplars"]]


def test_prometheus_takes_the_trace_of_a_request(tmp_path: Path) -> None:
    tree = packages.with_programs("prometheus")
    with stack.exporter(tmp_path, *UNSHED) as exporter, server() as port:
        address = exporter.url.removeprefix("http://")
        options = ("--enable-feature=exemplar-storage",)
        with stack.prometheus(tree, tmp_path, {"larimar": [address]}, SCRAPE_SECONDS, *options) as prometheus:
            get = functools.partial(requests.get, f"http://127.0.0.1:{port}/", timeout=30)

            def ask() -> list[dict[str, Any]]:
                """Ask again, as one request may pass while a busy exporter looks elsewhere."""
                get(headers={"traceparent": f"00-{'9' * 32}-{SPAN}-00"})
                get(headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
                return exemplars(prometheus)

            until(ask, 30, "no exemplar")
            found = exemplars(prometheus)
    assert {each["labels"]["trace_id"] for each in found} == {TRACE}
    assert {each["labels"]["span_id"] for each in found} == {SPAN}
    assert all(0 < float(each["value"]) < 5 for each in found)
