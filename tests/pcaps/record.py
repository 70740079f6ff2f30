"""Records the captures of this folder from real servers, with what the servers themselves counted beside each.

    python -m tests.pcaps.record [NAME...]

as root. A `.json` holds the requests, errors and operations or statuses by the server's own access log (nginx),
commandstats (Redis) or log (PostgreSQL, slapd, PHP, Postfix, ClickHouse, a stand-in for Elasticsearch).
"""

import contextlib
import json
import re
import socket
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psycopg

from tests.live.support import packages, resp, servers
from tests.pcaps import application, columns, directory, mail, searches
from tests.pcaps.tape import recorded

HERE = Path(__file__).parent
PAGES = """
    location /ok { return 200 "fine\\n"; }
    location /big { return 200 "BIG"; }
    location /missing { return 404; }
    location /broken { return 500; }
    location /moved { return 301 /ok; }
    location /small { client_max_body_size 10; proxy_pass http://127.0.0.1:1; }
    location /gone { proxy_pass http://127.0.0.1:1; }
"""
KEPT = (
    b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n",
    b"HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /missing HTTP/1.1\r\nHost: x\r\n\r\nGET /ok HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /big HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\n\r\n",
    b"OPTIONS /ok HTTP/1.1\r\nHost: x\r\n\r\nDELETE /moved HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /gone HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
)
CLOSED = (
    b"GET /ok HTTP/1.0\r\n\r\n",
    b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n",
    b"NONSENSE\r\n\r\n",
)
STATEMENTS = (
    "CREATE TABLE t (a int PRIMARY KEY, b text)",
    "INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 50) i",
    "SELECT * FROM t",
    "INSERT INTO t VALUES (1)",
    "SELEC 1",
    "SELECT 1; SELECT 2",
    "UPDATE t SET b = 'y' WHERE a < 9",
)


def talk(port: int, payload: bytes) -> None:
    """Send bytes over a connection of their own and read what comes."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(payload)
        connection.settimeout(0.3)
        drain(connection)


def http(folder: Path) -> dict[str, object]:
    """Record nginx."""
    with servers.nginx(packages.tree(), folder, PAGES.replace("BIG", "x" * 3000)) as server:
        with recorded(HERE / "http.pcap", server.port):
            with socket.create_connection(("127.0.0.1", server.port)) as kept:
                for payload in KEPT:
                    kept.sendall(payload)
                    kept.settimeout(0.3)
                    drain(kept)
            for payload in CLOSED:
                talk(server.port, payload)
        statuses = Counter(line.split()[0] for line in server.log.read_text().splitlines())
    return {"requests": statuses.total(), "errors": failed(statuses), "statuses": statuses}


def drain(connection: socket.socket) -> None:
    """Read what comes until nothing does for the connection's timeout."""
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return


def failed(statuses: Counter[str]) -> int:
    """Return how many requests a server refused or failed."""
    return sum(count for status, count in statuses.items() if status >= "400")


def redis(folder: Path) -> dict[str, object]:
    """Record Redis; the counts are taken before the recording's last connection asks for them."""
    with servers.redis(packages.tree(), folder) as server:
        with resp.Connection(server.port) as connection:
            connection.pipeline([("CONFIG", "RESETSTAT")])
        with recorded(HERE / "redis.pcap", server.port):
            with resp.Connection(server.port) as connection:
                connection.pipeline([("SET", f"key:{number}", "x" * number * 10) for number in range(40)])
                connection.pipeline([("GET", "key:3"), ("LPUSH", "key:3", "a"), ("GET", "none"), ("INCR", "key:3")])
                connection.pipeline([("HSET", "h", "a", "1", "b", "2"), ("HGETALL", "h"), ("DEL", "h")])
                connection.pipeline([("MULTI",), ("INCR", "n"), ("LPUSH", "n", "a"), ("EXEC",)])
                connection.pipeline([("EVAL", "return redis.error_reply('MINE no')", "0"), ("PING",)])
            talk(server.port, b"PING\r\nset inline 1\r\nGET inline\r\n")
            talk(
                server.port,
                resp.encoded(("HELLO", 3)) + resp.encoded(("HGETALL", "h")) + resp.encoded(("ZSCORE", "z", "m")),
            )
            talk(server.port, resp.encoded(("CLIENT", "REPLY", "OFF")) + resp.encoded(("INCR", "n")))
            with socket.create_connection(("127.0.0.1", server.port)) as listener:
                listener.sendall(resp.encoded(("SUBSCRIBE", "news", "weather")))
                listener.settimeout(0.3)
                drain(listener)
                with resp.Connection(server.port) as connection:
                    connection.pipeline([("PUBLISH", "news", "hello")] * 3)
                drain(listener)
        with resp.Connection(server.port) as connection:
            commands, errors = connection.pipeline([("INFO", "commandstats"), ("INFO", "errorstats")])
    assert isinstance(commands, bytes)
    assert isinstance(errors, bytes)
    called = re.findall(r"cmdstat_([a-z|]+):calls=(\d+)", commands.decode())
    operations: Counter[str] = Counter()
    for name, count in called:
        operations[name.partition("|")[0].upper()] += int(count)
    del operations["CONFIG"]  # the reset itself
    failures = sum(int(count) for count in re.findall(r"errorstat_\w+:count=(\d+)", errors.decode()))
    nested = 1  # the LPUSH inside the transaction
    return {"requests": operations.total(), "errors": failures - nested, "operations": operations}


def postgresql(folder: Path) -> dict[str, object]:
    """Record PostgreSQL."""
    with servers.postgresql(packages.tree(), folder, "log_min_duration_statement=0") as server:
        told = server.log.stat().st_size
        with recorded(HERE / "postgresql.pcap", server.port):
            with psycopg.connect(servers.dsn(server.port), autocommit=True) as connection:
                for statement in STATEMENTS:
                    with contextlib.suppress(psycopg.errors.UniqueViolation, psycopg.errors.SyntaxError):
                        connection.execute(statement)
                for number in range(20):
                    connection.execute("SELECT b FROM t WHERE a = %s", (number,), prepare=True)
                with connection.cursor().copy("COPY t FROM STDIN") as copy:
                    copy.write_row((1000, "copied"))
                with connection.cursor().copy("COPY t TO STDOUT") as copy:
                    for _ in copy:
                        pass
                pipelined(connection)
            refused(server.port)
        text = server.log.read_bytes()[told:].decode()
    done = re.findall(r"duration: [\d.]+ ms  (?:statement|execute [^:]*): *(\w+)", text)
    errors = len(re.findall(r"^ERROR: |^[^\n]* ERROR: ", text, re.MULTILINE))
    refusals = len(re.findall(r"FATAL: ", text))
    return {
        "requests": len(done) + errors + refusals,
        "errors": errors + refusals,
        "operations": Counter(map(str.upper, done)),
    }


def pipelined(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Run a pipeline that fails in its midst: what follows is skipped until the next one."""
    try:
        with connection.pipeline():
            connection.execute("SELECT 1")
            connection.execute("INSERT INTO t VALUES (1)")
    except psycopg.errors.UniqueViolation:
        return


def refused(port: int) -> None:
    """Ask for a database that does not exist."""
    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(servers.dsn(port).replace("dbname=postgres", "dbname=nowhere"))


def ldap(folder: Path) -> dict[str, object]:
    """Record slapd."""
    return directory.ldap(folder, HERE / "ldap.pcap")


def fastcgi(folder: Path) -> dict[str, object]:
    """Record PHP behind nginx."""
    return application.fastcgi(folder, HERE / "fastcgi.pcap")


def smtp(folder: Path) -> dict[str, object]:
    """Record Postfix's sink for mail."""
    return mail.smtp(folder, HERE / "smtp.pcap")


def clickhouse(folder: Path) -> dict[str, object]:
    """Record ClickHouse."""
    return columns.clickhouse(folder, HERE / "clickhouse.pcap")


def elasticsearch(folder: Path) -> dict[str, object]:
    """Record a client of Elasticsearch."""
    return searches.elasticsearch(folder, HERE / "elasticsearch.pcap")


def main() -> None:
    """Record all, or those that are named."""
    with tempfile.TemporaryDirectory() as folder:
        for record in (http, redis, postgresql, ldap, fastcgi, smtp, clickhouse, elasticsearch):
            if record.__name__ not in (sys.argv[1:] or record.__name__):
                continue
            counted = record(Path(folder) / record.__name__)
            (HERE / f"{record.__name__}.json").write_text(json.dumps(counted, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
