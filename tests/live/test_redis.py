"""Commands of a real Redis client, by Redis' own counts: what it found, what waited for others, and what failed."""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.live.support import counted, packages, servers, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.seen import UNSHED, settled

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
SLEEPS, REFUSED = 300, 20
WAITS, WAIT_SECONDS = 6, 0.3
LOOKUPS, KEYS, AT_ONCE = 4000, 500, 20
SEED = 41


def client(port: int) -> redis.Redis:
    return redis.Redis(host="127.0.0.1", port=port, decode_responses=True)


def work(port: int, chance: random.Random) -> None:
    """Run commands that take some milliseconds, and some that are refused."""
    with client(port) as connection:
        connection.rpush("list", 1)
        for number in range(SLEEPS):
            connection.execute_command("DEBUG", "SLEEP", f"{0.008 * chance.lognormvariate(0, 0.35):.5f}")
            if number % (SLEEPS // REFUSED) == 0:
                with contextlib.suppress(redis.ResponseError):
                    connection.incr("list")


@contextlib.contextmanager
def later(give: Callable[..., object], *arguments: object) -> Iterator[None]:
    """Do something after a while, meanwhile what is inside."""
    timer = threading.Timer(WAIT_SECONDS, give, arguments)
    timer.start()
    yield
    timer.join()


def wait(port: int) -> None:
    """Wait for what another client does after a while."""
    with client(port) as giver, client(port) as taker, client(port) as listener:
        channel = listener.pubsub()
        channel.subscribe("news")
        for number in range(WAITS // 2):
            with later(giver.rpush, "queue", number):
                assert taker.blpop(["queue"], timeout=10)
            with later(giver.xadd, "events", {"n": number}):
                assert taker.xread({"events": "$"}, block=10_000)
            giver.publish("news", number)
        # One tells that the subscription began.
        heard = [channel.get_message(timeout=10) for _ in range(1 + WAITS // 2)]
        assert None not in heard


def look_up(port: int, chance: random.Random) -> None:
    with client(port) as connection:
        for _ in range(0, LOOKUPS, AT_ONCE):
            with connection.pipeline(transaction=False) as pipeline:
                for _ in range(AT_ONCE):
                    key = f"key:{chance.randrange(KEYS)}"
                    pipeline.mget(key, "none") if chance.random() < 0.2 else pipeline.get(key)
                    pipeline.set(f"key:{chance.randrange(KEYS)}", "x" * 50, ex=60)
                pipeline.execute()


def test_commands_equal_info_and_waiting_is_no_work(tmp_path: Path) -> None:
    logged = ("--slowlog-log-slower-than", "0", "--slowlog-max-len", "10000", "--enable-debug-command", "yes")
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        servers.redis(packages.tree(), tmp_path / "redis", *logged) as server,
    ):
        work(server.port, random.Random(SEED))
        wait(server.port)
        own = counted.by_redis(server.port)
        seen = assert_agrees(exporter, server.port, Known("redis", "redis", own))
    # A new client also asks for what an older server refuses.
    assert own.errors >= REFUSED
    operations = seen.by("operation", "larimar_db_queries_total", db_system="redis")
    assert operations["BLPOP"] == operations["XREAD"] == WAITS / 2
    # They are requests, and none of the durations is theirs: all others take less than the least wait.
    durations = {float(s.labels["le"]): s.value for s in seen.samples("larimar_request_duration_seconds_bucket")}
    assert durations[0.25] == durations[float("inf")]
    # A client that leaves does not await its last answers.
    assert durations[float("inf")] == pytest.approx(seen.total("larimar_requests_total") - WAITS, rel=0.01)


def test_hits_and_misses_equal_info(tmp_path: Path) -> None:
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        servers.redis(packages.tree(), tmp_path / "redis") as server,
    ):
        look_up(server.port, random.Random(SEED))
        with client(server.port) as connection:
            told = connection.info("stats")
        hits, gets = told["keyspace_hits"], told["keyspace_hits"] + told["keyspace_misses"]
        seen = settled(exporter, server.port, lambda seen: seen.total("larimar_cache_gets_total") >= gets)
    ratio = seen.total("larimar_cache_hits_total") / seen.total("larimar_cache_gets_total")
    assert gets > LOOKUPS
    assert ratio == pytest.approx(hits / gets, abs=0.005)
    assert seen.total("larimar_cache_gets_total") == gets
