"""What Prometheus holds of real traffic equals what the servers counted themselves, on ports that mean nothing."""

import contextlib
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from quickstart.debian import Tree
from tests.contract.exposition import families, golden
from tests.live.support import counted, loads, resp, servers, stack
from tests.live.support.agreement import assert_alike
from tests.live.support.application import application
from tests.live.support.counted import Counted
from tests.live.support.seen import UNSHED
from tests.live.support.waiting import until

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("capturing")]

SCRAPE_SECONDS = 1.0
PAGES, MISSING, BROKEN = 20_000, 400, 200
COMMANDS, PIPELINED, REFUSED = 50_000, 20_000, 500
QUERIES, FAILING = 10_000, 150
SEED = 20
LARGE_BYTES = 8 << 20

NGINX = """
    location / {{ proxy_pass http://application; }}
    location = /missing {{ root {empty}; }}
    location = /broken {{ return 500; }}
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """The servers under watch."""

    nginx: servers.Server
    redis: servers.Server
    postgresql: servers.Server
    exporter: stack.Process
    prometheus: stack.Prometheus

    def losses(self) -> str:
        """Return what the exporter says of its own sight."""
        lines = self.exporter.page().splitlines()
        return "\n".join(
            line for line in lines if line.startswith(("larimar_capture", "larimar_flows", "larimar_parse"))
        )

    def seen(self, server: servers.Server) -> Counted:
        """Return what Prometheus holds of a server, found by its port."""
        (listening,) = self.prometheus.query(f'larimar_listen_info{{port="{server.port}"}}')
        which = f'service_name="{listening.labels["service_name"]}",role="server"'
        buckets = f"sum by (le) (larimar_request_duration_seconds_bucket{{{which}}})"
        return Counted(
            round(self.prometheus.number(f"sum(larimar_requests_total{{{which}}})")),
            round(self.prometheus.number(f"sum(larimar_request_errors_total{{{which}}})")),
            self.prometheus.number(f"histogram_quantile(0.5, {buckets})"),
        )


@pytest.fixture(scope="module")
def scene(tree: Tree, capturing: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("traffic")
    with ExitStack() as open_parts:
        started = open_parts.enter_context
        exporter = started(stack.exporter(folder, *UNSHED))
        prometheus = started(
            stack.prometheus(tree, folder, {"larimar": [exporter.url.removeprefix("http://")]}, SCRAPE_SECONDS)
        )
        backend = started(application(folder))
        upstream = f"upstream application {{ server 127.0.0.1:{backend}; keepalive 64; }}"
        logged = ("--slowlog-log-slower-than", "0", "--slowlog-max-len", "100000")
        yield Scene(
            nginx=started(servers.nginx(tree, folder / "nginx", NGINX.format(empty=folder), upstream)),
            redis=started(servers.redis(tree, folder / "redis", *logged)),
            postgresql=started(
                servers.postgresql(tree, folder / "postgresql", "log_min_duration_statement=0", "log_line_prefix=")
            ),
            exporter=exporter,
            prometheus=prometheus,
        )


def settled(scene: Scene, server: servers.Server, requests: int) -> Counted:
    """Return what Prometheus holds once it holds nearly all, or at the latest after some scrapes."""
    until(lambda: scene.prometheus.query(f'larimar_listen_info{{port="{server.port}"}}'), 30, "no scrape of the server")
    # What is missing is for the assertions to say.
    with contextlib.suppress(TimeoutError, ValueError):
        until(lambda: scene.seen(server).requests >= requests, 10 * SCRAPE_SECONDS, "")
    return scene.seen(server)


def assert_agrees(scene: Scene, server: servers.Server, own: Counted) -> None:
    """Compare what Prometheus holds with the server's own counts."""
    assert_alike(settled(scene, server, own.requests), own, scene.losses())


def test_http_requests_equal_the_access_log(scene: Scene) -> None:
    kinds = (("/page", 0), ("/missing", MISSING), ("/broken", BROKEN))
    loads.get_pages(scene.nginx.port, loads.spread(PAGES, kinds, random.Random(SEED)), workers=16)
    own = until(lambda: logged(scene.nginx.log), 10, "the access log is not complete")
    assert (own.requests, own.errors) == (PAGES, MISSING + BROKEN)
    assert_agrees(scene, scene.nginx, own)


def test_redis_commands_equal_info(scene: Scene) -> None:
    with resp.Connection(scene.redis.port) as connection:
        connection.ask("SETRANGE", "large", LARGE_BYTES - 1, "x")
        connection.ask("RPUSH", "list", 1)
    chance = random.Random(SEED)
    # Counting bits takes a time that grows with their number: most commands cost what the server itself spends.
    costly = [("BITCOUNT", "large", 0, round(LARGE_BYTES / 3 * chance.lognormvariate(0, 0.3))) for _ in range(COMMANDS)]
    small = {"set": ("SET", "small", 1), "wrong": ("INCR", "list"), "unknown": ("NONSENSE", "small")}

    def mixed(count: int, refused: int, usual: str | None) -> list[Sequence[str | int]]:
        kinds = ((usual or "costly", 0), ("wrong", refused // 2), ("unknown", refused - refused // 2))
        chosen = loads.spread(count, kinds, chance)
        return [small.get(kind) or costly[number] for number, kind in enumerate(chosen)]

    errors = loads.ask_redis(scene.redis.port, mixed(COMMANDS - PIPELINED, REFUSED // 2, None), depth=1)
    errors += loads.ask_redis(scene.redis.port, mixed(PIPELINED, REFUSED - REFUSED // 2, "set"), depth=16)
    own = counted.by_redis(scene.redis.port)
    assert errors == own.errors == REFUSED
    assert own.requests >= COMMANDS
    assert_agrees(scene, scene.redis, own)


def test_postgresql_queries_equal_its_log(scene: Scene) -> None:
    chance = random.Random(SEED)
    kinds = (("SELECT pg_sleep(0.005 * %s)", 0), ("SELECT 1 / (0 * %s)::int", FAILING // 2))
    for prepared in (False, True):
        statements = loads.spread(QUERIES // 2, kinds, chance)
        loads.ask_postgresql(scene.postgresql.port, statements, prepared, workers=8)
    own = until(lambda: complete(scene.postgresql.log), 10, "PostgreSQL's log is not complete")
    assert (own.requests, own.errors) == (QUERIES, 2 * (FAILING // 2))
    assert_agrees(scene, scene.postgresql, own)


def logged(log: Path) -> Counted | None:
    own = counted.by_access_log(log)
    return own if own.requests >= PAGES else None


def complete(log: Path) -> Counted | None:
    own = counted.by_postgresql(log)
    return own if own.requests >= QUERIES else None


def test_the_page_is_what_the_golden_exposition_says(scene: Scene) -> None:
    expected = {name: family for name, family in golden().items() if not name.startswith("larimar_detector_")}
    seen = families(scene.exporter.page())
    assert seen.keys() == expected.keys()
    for name, family in seen.items():
        assert family.kind == expected[name].kind, name
        # A label without a value is as good as none, so it may be left out.
        assert family.labels <= expected[name].labels, name
