"""Who is told: an HTTP server that keeps what is posted to it, as a webhook or in an Alertmanager's place."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Receiver:
    """What was posted, oldest first."""

    url: str = ""
    posted: list[Any] = field(default_factory=list)

    def notifications(self) -> list[tuple[str, str]]:
        """Of a webhook: the status of each alert in each notification, and its labels as sorted JSON."""
        alerts = [alert for notification in list(self.posted) for alert in notification["alerts"]]
        return [(alert["status"], canonical(alert["labels"])) for alert in alerts]

    def labels(self) -> set[str]:
        """In an Alertmanager's place: the labels of all alerts that were ever posted, as sorted JSON."""
        return {canonical(alert["labels"]) for batch in list(self.posted) for alert in batch}


def canonical(labels: dict[str, str]) -> str:
    """Return labels as text that is the same for the same labels only."""
    return json.dumps(labels, sort_keys=True)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run one on loopback; asked for anything, it has an empty list."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            kept.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(b"[]")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
