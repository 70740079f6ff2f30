"""The official Python client of Elasticsearch, against a scripted server, by that one's log of answers."""

from collections import Counter
from pathlib import Path

import pytest

from tests.live.support import counted, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.search import asking, searchable
from tests.live.support.seen import UNSHED

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
ROUNDS = 150


def test_requests_equal_the_servers_log(tmp_path: Path) -> None:
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        searchable(tmp_path) as server,
        asking(tmp_path, server.port, ROUNDS),
    ):
        known = Known(
            "tests.live.support.searchable", "elasticsearch", counted.by_access_log(server.log), lasting=False
        )
        seen = assert_agrees(exporter, server.port, known)
    operations = Counter(seen.by("operation", "larimar_db_queries_total", db_system="elasticsearch"))
    wanted = {"index": ROUNDS, "search": ROUNDS, "count": ROUNDS, "get": ROUNDS, "bulk": ROUNDS // 10}
    assert {name: operations[name] for name in wanted} == wanted
    assert "secret" not in seen.page
