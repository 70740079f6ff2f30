"""A real memcached client's lookups, by `stats`, and how long they take behind a distance."""

import random
from contextlib import closing
from pathlib import Path

import pytest
from pymemcache.client.base import Client

from tests.live.support import stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.distance import far_away
from tests.live.support.seen import UNSHED, settled
from tests.live.support.stopwatch import Stopwatch
from tests.live.test_memcached import memcached

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
ROUNDS, KEYS, TIMED = 3000, 400, 250
SEED = 45


def look_up(port: int, chance: random.Random) -> None:
    client = Client(("127.0.0.1", port), no_delay=True)
    for _ in range(ROUNDS):
        client.set(f"key:{chance.randrange(KEYS)}", b"x" * chance.randrange(2000), noreply=chance.random() < 0.5)
        client.get(f"key:{chance.randrange(2 * KEYS)}")
        client.get_many([f"key:{chance.randrange(2 * KEYS)}" for _ in range(5)])
        client.gets(f"key:{chance.randrange(2 * KEYS)}")
    client.close()


def own(port: int) -> dict[str, int]:
    with closing(Client(("127.0.0.1", port))) as client:
        told = client.stats()
    return {name.decode(): int(told[name]) for name in (b"get_hits", b"get_misses", b"cmd_set")}


def test_hit_ratio_equals_stats(tmp_path: Path) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, memcached(tmp_path) as port:
        look_up(port, random.Random(SEED))
        counts = own(port)
        gets = counts["get_hits"] + counts["get_misses"]
        seen = settled(exporter, port, lambda seen: seen.total("larimar_cache_gets_total") >= gets)
    ratio = seen.total("larimar_cache_hits_total") / seen.total("larimar_cache_gets_total")
    assert ratio == pytest.approx(counts["get_hits"] / gets, abs=0.005)
    assert seen.total("larimar_cache_gets_total") == pytest.approx(gets, rel=0.01)
    assert seen.by("operation", "larimar_db_queries_total")["set"] == pytest.approx(counts["cmd_set"], rel=0.01)


def test_lookups_take_what_the_client_measures(tmp_path: Path) -> None:
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        memcached(tmp_path) as port,
        far_away(tmp_path, port) as far,
        closing(Client(("127.0.0.1", far), no_delay=True)) as client,
    ):
        for number in range(TIMED):
            with watch.lap():
                client.get(f"key:{number}")
        known = Counted(TIMED, 0, watch.median_seconds)
        assert_agrees(exporter, port, Known("memcached", "memcached", known, far))
