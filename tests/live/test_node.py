"""Pages of a node application, by its own log, asked for over kept connections."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.support import counted, loads, packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.processes import Command, free_port, running
from tests.live.support.seen import UNSHED

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
PAGES, MISSING, BROKEN = 4000, 120, 60
WORKERS = 4
SEED = 34

# Answers in chunks, as node does where no length is given; logs `status milliseconds`.
APPLICATION = """
const http = require('http'), fs = require('fs');
const log = fs.openSync(process.argv[3], 'a');
const statuses = {'/missing': 404, '/broken': 500};
http.createServer((request, response) => {
  const begun = process.hrtime.bigint();
  setTimeout(() => {
    response.writeHead(statuses[request.url] || 200, {'Content-Type': 'text/plain'});
    response.write('x'.repeat(1000));
    response.end('y'.repeat(500));
    fs.writeSync(log, `${response.statusCode} ${Number(process.hrtime.bigint() - begun) / 1e6}\\n`);
  }, 3 + 10 * Math.random());
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
"""


@contextmanager
def node(folder: Path) -> Iterator[int]:
    """Run the application of a package that is called `shop-pages`."""
    tree = packages.with_programs("node")
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "shop-pages"}')
    (folder / "server.js").write_text(APPLICATION)
    port, log = free_port(), folder / "output.log"
    command = Command(
        (tree.binary("node"), folder / "server.js", str(port), folder / "access.log"), log, tree.environment({})
    )
    with running(command, lambda: "ready" in log.read_text()):
        yield port


def test_requests_equal_its_log(tmp_path: Path) -> None:
    kinds = (("/page", 0), ("/missing", MISSING), ("/broken", BROKEN))
    with stack.exporter(tmp_path, *UNSHED) as exporter, node(tmp_path / "node") as port:
        loads.get_pages(port, loads.spread(PAGES, kinds, random.Random(SEED)), WORKERS)
        own = counted.by_access_log(tmp_path / "node" / "access.log", 1e-3, PAGES)
        assert_agrees(exporter, port, Known("shop-pages", "http", own))
    assert (own.requests, own.errors) == (PAGES, MISSING + BROKEN)
