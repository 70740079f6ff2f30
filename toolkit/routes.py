"""Which handler answers a request."""

from collections.abc import Mapping
from http import HTTPStatus

from toolkit.http1 import Handler, Request, Response, text

READING = ("GET", "HEAD")


def dispatch(routes: Mapping[str, Handler], request: Request) -> Response:
    """Answer a request by the route of its path.

    Args:
        routes: handlers by `/path` (GET and HEAD) or `METHOD /path`; a path that ends in a slash also answers all
            below it, the longest first; `/` answers only itself.
        request: what is asked.

    Returns:
        the handler's response, else 404, or 405 with the methods that the path has.
    """
    methods = "GET" if request.method in READING else request.method
    for path in _candidates(request.path):
        handler = routes.get(f"{methods} {path}") or (routes.get(path) if methods == "GET" else None)
        if handler is not None:
            return handler(request)
        allowed = _methods(routes, path)
        if allowed:
            response = text("method not allowed", HTTPStatus.METHOD_NOT_ALLOWED)
            return Response(response.body, status=response.status, headers=(("Allow", ", ".join(allowed)),))
    return text("not found", HTTPStatus.NOT_FOUND)


def _candidates(path: str) -> list[str]:
    """Return the path itself, then each folder above it but the root."""
    if not path.startswith("/"):
        return []
    found = [path]
    folder = path.rstrip("/").rpartition("/")[0]
    while folder:
        found.append(folder + "/")
        folder = folder.rpartition("/")[0]
    return found


def _methods(routes: Mapping[str, Handler], path: str) -> list[str]:
    found = list(READING) if path in routes else []
    for pattern in routes:
        method, separator, at = pattern.partition(" ")
        if separator and at == path:
            found += READING if method == "GET" else (method,)
    return found
