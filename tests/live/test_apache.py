"""Pages that Apache passed on to an application, by its own access log."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.support import counted, loads, packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.application import application
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.seen import UNSHED, Seen

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
PAGES, MISSING, BROKEN = 4000, 120, 60
WORKERS = 8
SEED = 31

CONFIGURATION = """\
ServerName localhost
ServerRoot {folder}
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
User nobody
Group nogroup
MaxKeepAliveRequests 0
LogFormat "%s %D" timed
CustomLog {folder}/access.log timed
<Location /missing>
  ProxyPass !
</Location>
Redirect 404 /missing
Redirect 500 /broken
ProxyPass /broken !
ProxyPass / http://127.0.0.1:{backend}/
"""
MODULES = ("mpm_event", "authz_core", "alias", "proxy", "proxy_http")


@contextmanager
def apache(folder: Path, backend: int) -> Iterator[int]:
    """Run Apache in front of an application; its log's times are microseconds."""
    tree = packages.with_programs("apache2")
    program = tree.binary("apache2")
    inside = program.parents[1] / "lib" / "apache2" / "modules"
    modules = "\n".join(f"LoadModule {name}_module {inside}/mod_{name}.so" for name in MODULES)
    folder.mkdir()
    port = free_port()
    text = CONFIGURATION.format(folder=folder, port=port, backend=backend, modules=modules)
    (folder / "apache.conf").write_text(text)
    command = Command(
        (program, "-D", "FOREGROUND", "-f", folder / "apache.conf"),
        folder / "output.log",
        tree.environment({}),
    )
    with running(command, lambda: accepts(port)):
        yield port


def test_requests_equal_the_access_log(tmp_path: Path) -> None:
    kinds = (("/page", 0), ("/missing", MISSING), ("/broken", BROKEN))
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        application(tmp_path) as backend,
        apache(tmp_path / "apache", backend) as port,
    ):
        loads.get_pages(port, loads.spread(PAGES, kinds, random.Random(SEED)), WORKERS)
        own = counted.by_access_log(tmp_path / "apache" / "access.log", 1e-6, PAGES)
        seen = assert_agrees(exporter, port, Known("apache", "http", own))
        behind = Seen(seen.page, backend).edges("http")
    assert (own.requests, own.errors) == (PAGES, MISSING + BROKEN)
    assert behind == {seen.service: PAGES - MISSING - BROKEN}
