"""A ClickHouse of Debian's in a folder of its own, and what its log of queries says."""

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quickstart.debian import Tree
from tests.live.support import packages
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.waiting import until

SETTINGS = """\
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <tcp_port>{port}</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>16777216</mark_cache_size>
  <query_log><database>system</database><table>query_log</table>
    <flush_interval_milliseconds>200</flush_interval_milliseconds></query_log>
</yandex>
"""
USERS = """\
<yandex>
  <profiles><default><log_queries>1</log_queries></default></profiles>
  <users><default><password></password><networks><ip>::/0</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
  <quotas><default></default></quotas>
</yandex>
"""
FINISHED = 2  # of the log's entries: the ones above tell of a failure, 1 of the beginning


@dataclass(frozen=True, slots=True)
class Clickhouse:
    """A running one.

    Attributes:
        port: where it listens on loopback.
        tree: where its client is.
    """

    port: int
    tree: Tree

    def run(self, statements: Sequence[str], *options: str) -> str:
        """Run statements over one connection; return what its own client says, or that one failed."""
        command = (self.tree.binary("clickhouse-client"), "--host", "127.0.0.1", "--port", str(self.port), "-n")
        done = subprocess.run(
            [*map(str, command), *options, "-q", ";".join(statements)],
            capture_output=True,
            text=True,
            check=False,
            env=self.tree.environment({}),
            timeout=60,
        )
        return done.stdout + done.stderr

    def counts(self, expected: int) -> dict[str, object]:
        """Return how many requests its log tells of, once it holds so many queries, failed ones among them, and verbs.

        Its client asks before each query whether the server is still there, which is a request but no query.
        """
        ended = f"FROM system.query_log WHERE type >= {FINISHED} AND query NOT LIKE '%query_log%'"
        until(
            lambda: (
                self.run(["EXISTS TABLE system.query_log"]).strip() == "1"
                and int(self.run([f"SELECT count() {ended}"]) or 0) >= expected
            ),
            30,
            lambda: f"fewer than {expected} queries are logged: " + self.run([f"SELECT count() {ended}"]),
        )
        told = self.run([f"SELECT type, upper(extract(query, '^\\\\s*(\\\\w+)')) {ended}"])
        lines = [line.split("\t") for line in told.splitlines()]
        return {
            "requests": 2 * len(lines),
            "errors": sum(int(kind) > FINISHED for kind, _ in lines),
            "operations": Counter(verb for _, verb in lines) + Counter(ping=len(lines)),
        }


@contextmanager
def clickhouse(folder: Path) -> Iterator[Clickhouse]:
    """Run it."""
    tree = packages.with_programs("clickhouse-server", "clickhouse-client")
    folder.mkdir()
    port, log = free_port(), folder / "clickhouse.log"
    (folder / "config.xml").write_text(SETTINGS.format(port=port, folder=folder))
    (folder / "users.xml").write_text(USERS)
    arguments = (tree.binary("clickhouse-server"), f"--config-file={folder / 'config.xml'}")
    with running(Command(arguments, log, tree.environment({})), lambda: accepts(port)):
        yield Clickhouse(port, tree)
