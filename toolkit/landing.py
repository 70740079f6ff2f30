"""The landing page at `/`: what this is, with links to the other pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from toolkit.http1 import Handler, Request, Response

_STYLE = "body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem}dt{font-weight:600}"


@dataclass(frozen=True, slots=True)
class Link:
    """A page of this server: its path and what it shows."""

    path: str
    text: str


def landing_handler(name: str, description: str, version: str, links: Sequence[Link]) -> Handler:
    """Return the handler of `/`."""
    items = "".join(f'<dt><a href="{escape(link.path)}">{escape(link.path)}</a></dt><dd>{escape(link.text)}</dd>'
                    for link in links)  # fmt: skip
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(name)}</h1><p>{escape(description)}</p>"
        f"<p>Version {escape(version)}</p><dl>{items}</dl></body></html>\n"
    ).encode()

    def landing(_: Request) -> Response:
        return Response(body, "text/html; charset=utf-8")

    return landing
