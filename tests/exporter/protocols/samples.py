"""Connections that every protocol of the registry must have here for the conformance test, and foreign ones."""

from tests.exporter.protocols import (
    samples_cassandra,
    samples_clickhouse,
    samples_dns,
    samples_elasticsearch,
    samples_fastcgi,
    samples_http2,
    samples_kafka,
    samples_ldap,
    samples_memcached,
    samples_messaging,
    samples_mongodb,
    samples_mysql,
    samples_nats,
    samples_smtp,
    samples_tls,
    samples_zookeeper,
)
from tests.exporter.protocols.conversing import Step, client, server
from tests.exporter.protocols.sample import SECRET, Sample


def pg(kind: bytes, body: bytes = b"") -> bytes:
    """Return a message of PostgreSQL."""
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def pg_startup(parameters: bytes = b"user\0bob\0database\0shop\0\0") -> bytes:
    """Return a start-up message of PostgreSQL."""
    body = (3 << 16).to_bytes(4, "big") + parameters
    return (len(body) + 4).to_bytes(4, "big") + body


def pg_error(code: bytes) -> bytes:
    """Return an error of PostgreSQL."""
    return pg(b"E", b"SERROR\0VERROR\0C" + code + b"\0Mno " + SECRET + b"\0\0")


def resp(*words: bytes) -> bytes:
    """Return a command of Redis."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


PG_READY = pg(b"Z", b"I")
PG_LOGIN = (
    client(b"\0\0\0\x08\x04\xd2\x16\x2f"),
    server(b"N"),
    client(pg_startup()),
    server(pg(b"R", b"\0\0\0\x05salt")),
    client(pg(b"p", SECRET + b"\0")),
    server(pg(b"R", b"\0\0\0\0") + pg(b"S", b"TimeZone\0UTC\0") + pg(b"K", b"12345678") + PG_READY),
)
PG_ROWS = pg(b"T", b"\0\x01name\0" + b"\0" * 18) + pg(b"D", b"\0\x01\0\0\0\x0a" + SECRET) * 3

SAMPLES: dict[str, tuple[Sample, ...]] = {
    "http": (
        Sample(
            "keep-alive and pipelining",
            (
                client(b"GET /a?token=" + SECRET + b" HTTP/1.1\r\nHost: x\r\nCookie: " + SECRET + b"\r\n\r\n"),
                server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + SECRET),
                client(b"POST /b HTTP/1.1\r\nContent-Length: 10\r\n\r\n" + SECRET + b"HEAD /c HTTP/1.1\r\n\r\n"),
                server(
                    b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\na;x=y\r\n"
                    + SECRET
                    + b"\r\n0\r\nTrailer: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
                ),
                client(b"DELETE /d HTTP/1.1\r\n\r\n"),
                server(b"HTTP/1.1 204 No Content\r\n\r\n"),
            ),
            ("GET", "POST", "HEAD", "DELETE"),
        ),
        Sample(
            "until close",
            (client(b"GET /a HTTP/1.0\n\n"), server(b"HTTP/1.0 500 Oops\n\n" + SECRET), server(SECRET * 3)),
            ("GET",),
        ),
    ),
    "redis": (
        Sample(
            "commands and a pipeline",
            (
                client(resp(b"AUTH", SECRET)),
                server(b"+OK\r\n"),
                client(resp(b"set", b"key" + SECRET, SECRET * 2) + resp(b"GET", SECRET) + resp(b"HGETALL", b"h")),
                server(b"+OK\r\n$10\r\n" + SECRET + b"\r\n*4\r\n$1\r\na\r\n:1\r\n$-1\r\n*1\r\n+" + SECRET + b"\r\n"),
                client(resp(b"LPUSH", b"k", SECRET)),
                server(b"-WRONGTYPE " + SECRET + b"\r\n"),
                client(resp(b"HELLO", b"3")),
                server(b"%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n"),
                client(resp(b"ZSCORE", b"k", b"m")),
                server(b",1.5\r\n"),
            ),
            ("AUTH", "SET", "GET", "HGETALL", "LPUSH", "HELLO", "ZSCORE"),
        ),
    ),
    "postgresql": (
        Sample(
            "simple and extended",
            (
                *PG_LOGIN,
                client(pg(b"Q", b"select '" + SECRET + b"'\0")),
                server(PG_ROWS + pg(b"C", b"SELECT 3\0") + PG_READY),
                client(pg(b"Q", b"insert into t values ('" + SECRET + b"')\0")),
                server(pg_error(b"23505") + PG_READY),
                client(
                    pg(b"P", b"s1\0UPDATE t SET a = $1\0\0\0")
                    + pg(b"B", b"\0s1\0\0\0\0\x01\0\0\0\x0a" + SECRET + b"\0\0")
                    + pg(b"E", b"\0\0\0\0\0")
                    + pg(b"S")
                ),
                server(pg(b"1") + pg(b"2") + pg(b"C", b"UPDATE 1\0") + PG_READY),
            ),
            ("SELECT", "INSERT", "UPDATE"),
            opening=len(PG_LOGIN),
        ),
    ),
    "dns": samples_dns.SAMPLES,
    "memcached": samples_memcached.SAMPLES,
    "mysql": samples_mysql.SAMPLES,
    "tls": samples_tls.SAMPLES,
    "http2": samples_http2.SAMPLES,
    "grpc": samples_http2.GRPC_SAMPLES,
    "mqtt": samples_messaging.MQTT_SAMPLES,
    "amqp": samples_messaging.AMQP_SAMPLES,
    "websocket": samples_messaging.WEBSOCKET_SAMPLES,
    "tls-inferred": samples_tls.DATA_SAMPLES,
    "mongodb": samples_mongodb.SAMPLES,
    "cassandra": samples_cassandra.SAMPLES,
    "zookeeper": samples_zookeeper.SAMPLES,
    "kafka": samples_kafka.SAMPLES,
    "nats": samples_nats.SAMPLES,
    "ldap": samples_ldap.SAMPLES,
    "fastcgi": samples_fastcgi.SAMPLES,
    "smtp": samples_smtp.SAMPLES,
    "clickhouse": samples_clickhouse.SAMPLES,
    "elasticsearch": samples_elasticsearch.SAMPLES,
}

FOREIGN: dict[str, tuple[Step, ...]] = {
    "ssh": (server(b"SSH-2.0-OpenSSH_9.2\r\n"), client(b"SSH-2.0-Go\r\n"), server(b"\0\0\x04\x3c\x09\x14" + b"x" * 40)),
    "nntp": (server(b"200 news ready\r\n"), client(b"QUIT\r\n"), server(b"205 bye\r\n")),
    "ftp": (server(b"220 ftp\r\n"), client(b"TYPE I\r\n"), server(b"200 ok\r\n"), client(b"QUIT\r\n")),
    "imap": (server(b"* OK ready\r\n"), client(b"a1 SELECT INBOX\r\n"), server(b"* 3 EXISTS\r\na1 OK\r\n")),
    "pop3": (server(b"+OK ready\r\n"), client(b"AUTH PLAIN\r\n"), server(b"+OK Logged in.\r\n"), client(b"QUIT\r\n")),
    "irc": (client(b"NICK a\r\nPING x\r\n"), server(b":s PONG s :x\r\n")),
    "beanstalkd jobs": (
        client(b"delete 5\r\n"),
        server(b"DELETED\r\n"),
        client(b"stats\r\n"),
        server(b"OK 9\r\n---\n"),
    ),
    "beanstalkd": (client(b"watch q\r\n"), server(b"WATCHING 2\r\n")),
    "rtsp": (client(b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"), server(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")),
    "sip": (client(b"REGISTER sip:x SIP/2.0\r\nVia: y\r\n\r\n"), server(b"SIP/2.0 200 OK\r\nVia: y\r\n\r\n")),
    "icap": (client(b"OPTIONS icap://x/ ICAP/1.0\r\n\r\n"), server(b"ICAP/1.0 200 OK\r\n\r\n")),
    "stomp": (client(b"CONNECT\naccept-version:1.2\n\n\0"), server(b"CONNECTED\nversion:1.2\n\n\0")),
    "snmp": (
        client(
            b"0\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\0\x02\x01\0"
            b"0\x0e0\x0c\x06\x08" + b"\x2b" * 8 + b"\5\0"
        ),
        server(
            b"0\x26\x02\x01\x01\x04\x06public\xa2\x19\x02\x01\x01\x02\x01\0\x02\x01\0"
            b"0\x0e0\x0c\x06\x08" + b"\x2b" * 8 + b"\5\0"
        ),
    ),
    "thrift": (
        client(b"\0\0\0\x11\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0"),
        server(b"\0\0\0\x11\x80\x01\0\x02\0\0\0\x04ping"),
    ),
    "fix": (client(b"8=FIX.4.4\x019=5\x0135=0\x0110=0\x01"), server(b"8=FIX.4.4\x019=5\x0135=0\x0110=0\x01")),
    "letters": (client(b"Q" * 200), server(b"Z" * 200)),
    "numbers": (client(b"*1000000000\r\n"), server(b"+OK then\r\n")),
}
