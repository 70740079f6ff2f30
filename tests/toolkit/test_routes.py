"""Which handler answers."""

from collections.abc import Mapping

import pytest

from toolkit.http1 import Handler, Request, Response, text
from toolkit.routes import dispatch


def handler(name: str) -> Handler:
    def answer(_: Request) -> Response:
        return text(name)

    return answer


ROUTES: Mapping[str, Handler] = {
    "/": handler("root"),
    "/metrics": handler("metrics"),
    "POST /-/reload": handler("reload"),
    "GET /both": handler("read"),
    "POST /both": handler("write"),
    "/explain/": handler("explain"),
    "/explain/all/": handler("all"),
}


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/", "root"),
        ("HEAD", "/metrics", "metrics"),
        ("POST", "/-/reload", "reload"),
        ("GET", "/both", "read"),
        ("POST", "/both", "write"),
        ("GET", "/explain/42", "explain"),
        ("GET", "/explain/", "explain"),
        ("GET", "/explain/all/x/y", "all"),
    ],
)
def test_the_longest_route_answers(method: str, path: str, answer: str) -> None:
    assert dispatch(ROUTES, Request(method, path)).body == f"{answer}\n".encode()


@pytest.mark.parametrize("path", ["/metrics/", "/metric", "/explain", "//", "/-/", "/-/reload/now", "POST /-/reload"])
def test_nothing_else_is_found(path: str) -> None:
    assert dispatch(ROUTES, Request("GET", path)).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/metrics", "GET, HEAD"), ("GET", "/-/reload", "POST"), ("DELETE", "/both", "GET, HEAD, POST")],
)
def test_other_methods_are_told_which_there_are(method: str, path: str, allowed: str) -> None:
    response = dispatch(ROUTES, Request(method, path))
    assert response.status == 405
    assert response.headers == (("Allow", allowed),)
