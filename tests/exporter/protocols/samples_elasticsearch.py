"""Connections of Elasticsearch."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

JSON = b"Content-Type: application/json\r\n"


def asked(line: bytes, body: bytes = b"") -> bytes:
    """Return a request."""
    return line + b" HTTP/1.1\r\nHost: x\r\n" + JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body


def told(status: bytes, body: bytes = SECRET) -> bytes:
    """Return a response."""
    return (
        b"HTTP/1.1 " + status + b"\r\nX-elastic-product: Elasticsearch\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


SAMPLES = (
    Sample(
        "searches and documents",
        (
            client(asked(b"POST /products/_search?q=" + SECRET + b"&pretty=", b'{"query": "' + SECRET + b'"}')),
            server(told(b"200 OK", SECRET * 200)),
            client(asked(b"PUT /products/_doc/4711?refresh=true", SECRET)),
            server(told(b"201 Created")),
            client(asked(b"GET /products/_doc/" + SECRET)),
            server(told(b"404 Not Found")),
            client(asked(b"POST /_bulk", SECRET * 30)),
            server(told(b"200 OK")),
            client(asked(b"GET /_cluster/health")),
            server(told(b"200 OK")),
            client(asked(b"DELETE /products")),
            server(told(b"200 OK")),
        ),
        ("search", "index", "get", "bulk", "cluster.health", "indices.delete"),
    ),
)
