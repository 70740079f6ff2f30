"""Connections of NATS."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

INFO = b'INFO {"server_id":"ND4X","version":"2.9.10","max_payload":1048576,"tls_required":false}\r\n'
SAMPLES = (
    Sample(
        "verbose",
        (
            server(INFO),
            client(b'CONNECT {"verbose": true, "pass": "' + SECRET + b'"}\r\nPING\r\n'),
            server(b"+OK\r\nPONG\r\n"),
            client(b"SUB orders." + SECRET + b" q 1\r\nPUB orders.x _INBOX.a 10\r\n" + SECRET + b"\r\n"),
            server(b"+OK\r\n+OK\r\n"),
            client(b"hpub orders.y 12 22\r\nNATS/1.0\r\n\r\n" + SECRET + b"\r\nPONG\r\nUNSUB 1 5\r\n"),
            server(b"PING\r\n+OK\r\n-ERR 'Permissions Violation for Publish to \"" + SECRET + b"\"'\r\n"),
        ),
        ("CONNECT", "PING", "SUB", "PUB", "HPUB", "UNSUB"),
    ),
)
