"""Connections of SMTP."""

from tests.exporter.protocols.conversing import client, server
from tests.exporter.protocols.sample import SECRET, Sample

MESSAGE = b"Subject: " + SECRET + b"\r\n\r\nHello.\r\n..\r\n" + SECRET * 90 + b"\r\n.\r\n"
ENVELOPE = b"MAIL FROM:<" + SECRET + b"@a.example>\r\nRCPT TO:<" + SECRET + b"@b.example>\r\n"
SAMPLES = (
    Sample(
        "logged in, pipelined and chunked",
        (
            server(b"220 mx.example ESMTP " + SECRET + b"\r\n"),
            client(b"EHLO " + SECRET + b"\r\n"),
            server(b"250-mx.example\r\n250-PIPELINING\r\n250-AUTH LOGIN\r\n250 CHUNKING\r\n"),
            client(b"AUTH LOGIN\r\n"),
            server(b"334 VXNlcm5hbWU6\r\n"),
            client(SECRET + b"\r\n"),
            server(b"334 UGFzc3dvcmQ6\r\n"),
            client(SECRET + b"\r\n"),
            server(b"235 2.7.0 Authentication successful\r\n"),
            client(ENVELOPE),
            server(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"),
            client(b"DATA\r\n"),
            server(b"354 End data with <CR><LF>.<CR><LF>\r\n"),
            client(MESSAGE),
            server(b"250 2.0.0 queued as " + SECRET + b"\r\n"),
            client(ENVELOPE),
            server(b"250 2.1.0 Ok\r\n550 5.1.1 no " + SECRET + b"\r\n"),
            client(b"DATA\r\n"),
            server(b"554 5.5.1 no valid recipients\r\n"),
            client(ENVELOPE + b"BDAT 10\r\n" + SECRET + b"BDAT 20 LAST\r\n" + SECRET * 2),
            server(b"250 Ok\r\n250 Ok\r\n250 Ok\r\n250 Ok\r\n"),
        ),
        ("EHLO", "AUTH", *("MAIL", "RCPT", "DATA") * 2, "MAIL", "RCPT", "BDAT", "BDAT LAST"),
        opening=9,
        opening_requests=2,
    ),
)
