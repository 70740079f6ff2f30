"""Answers like Elasticsearch 7.17 without holding anything: `python -m tests.live.support.searchable PORT LOG`.

Elasticsearch itself is not to be had from a distribution; its client refuses a server that does not answer so. Each
answer's status and the seconds it took are a line of the log.
"""

import json
import random
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MEDIAN_SECONDS = 0.008
SPREAD = 0.35  # of the logarithm
CHANCE = random.Random(1)
ABOUT: dict[str, object] = {
    "name": "node-1",
    "version": {"number": "7.17.6", "build_flavor": "default"},
    "tagline": "You Know, for Search",
}
# Method and path -> status and answer; documents whose number ends in 7 are missing.
ANSWERS: tuple[tuple[str, int, dict[str, object]], ...] = (
    (r"GET /$", 200, ABOUT),
    (r"GET /\w+/_doc/\d*7$", 404, {"found": False}),
    (r"GET /\w+/_doc/", 200, {"found": True, "_source": {"name": "x" * 300}}),
    (r"PUT /\w+/_doc/", 201, {"result": "created"}),
    (r"POST /\w+/_search", 200, {"hits": {"total": {"value": 5}, "hits": [{"_source": {"name": "y" * 400}}] * 5}}),
    (r"POST /(\w+/)?_bulk", 200, {"errors": False, "items": []}),
    (r"POST /\w+/_count", 200, {"count": 5}),
)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    log: Path

    def answer(self) -> None:
        """Answer whatever is asked, after a while."""
        begun = time.perf_counter()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(MEDIAN_SECONDS * CHANCE.lognormvariate(0, SPREAD))
        asked = f"{self.command} {self.path.partition('?')[0]}"
        status, told = next(((status, told) for form, status, told in ANSWERS if re.match(form, asked)), (400, {}))
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} As asked\r\nX-elastic-product: Elasticsearch\r\nContent-Type: application/json\r\n"
        with self.log.open("a") as log:
            log.write(f"{status} {time.perf_counter() - begun:.6f}\n")
        self.wfile.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    do_GET = do_PUT = do_POST = answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Handler.log = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
