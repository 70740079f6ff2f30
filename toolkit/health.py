"""`/-/healthy` and `/-/ready`, as in Prometheus's and Alertmanager's management API."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from toolkit.http1 import Handler, Request, Response, text


def health_routes(not_ready: Callable[[], Sequence[str]]) -> Mapping[str, Handler]:
    """Return the two routes; `not_ready` gives the reasons, none where it is ready.

    Args:
        not_ready: the reasons of this moment why the process cannot do its work, one line each; none means ready.
    """

    def healthy(_: Request) -> Response:
        return text("Healthy.")

    def ready(_: Request) -> Response:
        reasons = not_ready()
        if not reasons:
            return text("Ready.")
        return text("\n".join(("Not ready:", *reasons)), HTTPStatus.SERVICE_UNAVAILABLE)

    return {"/-/healthy": healthy, "/-/ready": ready}
