"""Records PHP's FastCGI server behind nginx; its own access log is what it counted."""

import http.client
from collections import Counter
from pathlib import Path

from tests.live.support import packages, servers
from tests.live.support.processes import Command, accepts, free_port, running
from tests.pcaps.tape import recorded

POOL = """\
[global]
error_log = {folder}/error.log
daemonize = no
[www]
listen = 127.0.0.1:{port}
pm = static
pm.max_children = 2
access.log = {folder}/access.log
access.format = "%m %s"
"""
SCRIPT = """\
<?php
http_response_code((int) ($_GET["status"] ?? 200));
if (isset($_GET["loud"])) { error_log("something is wrong"); }
echo str_repeat("x", (int) ($_GET["size"] ?? 10)), strlen(file_get_contents("php://input"));
"""
# nginx would answer in place of the application if it intercepted errors.
PAGES = """
    location / {{
        fastcgi_pass 127.0.0.1:{port};
        fastcgi_keep_conn on;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param REQUEST_URI $request_uri;
        fastcgi_param SCRIPT_FILENAME {folder}/index.php;
    }}
"""
ASKED = (
    *(("GET", f"/?size={number * 97}", b"") for number in range(30)),
    *(("POST", "/", b"y" * number * 300) for number in range(20)),
    *(("GET", f"/?status={status}", b"") for status in (201, 301, 404, 404, 500, 503)),
    *(("HEAD", "/?size=5000", b""), ("DELETE", "/", b""), ("GET", "/?loud=1", b""), ("GET", "/?size=70000", b"")),
)


def fastcgi(folder: Path, file: Path) -> dict[str, object]:
    """Record php-fpm."""
    tree = packages.with_programs("php-fpm8.2")
    folder.mkdir()
    port = free_port()
    (folder / "fpm.conf").write_text(POOL.format(folder=folder, port=port))
    (folder / "index.php").write_text(SCRIPT)
    arguments = (tree.binary("php-fpm8.2"), "-R", "-n", "-y", folder / "fpm.conf")
    with (
        running(Command(arguments, folder / "output.log", tree.environment({})), lambda: accepts(port)),
        servers.nginx(packages.tree(), folder / "nginx", PAGES.format(folder=folder, port=port)) as front,
        recorded(file, port),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
        for method, target, body in ASKED:
            connection.request(method, target, body or None)
            connection.getresponse().read()
        connection.close()
    lines = [line.split() for line in (folder / "access.log").read_text().splitlines()]
    statuses = Counter(status for _, status in lines)
    errors = sum(count for status, count in statuses.items() if status >= "400")
    operations = Counter(method for method, _ in lines)
    return {"requests": len(lines), "errors": errors, "statuses": statuses, "operations": operations}
