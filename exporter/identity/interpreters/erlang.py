"""Erlang and Elixir: the known server, the release, or the node's name."""

import re

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import option_value
from exporter.identity.names import clean

PROGRAM = re.compile(r"beam(\.smp)?|erl|elixir|iex")
_KNOWN = ("rabbitmq", "couchdb", "ejabberd", "emqx", "vernemq", "riak")
_RELEASE = re.compile(r"/([\w-]+)/releases/[^/]+/start")


def name(facts: ProcessFacts) -> str:
    """Return what the virtual machine runs, or an empty string."""
    arguments = facts.arguments[1:]
    line = " ".join(arguments)
    for product in _KNOWN:
        if product in line:
            return product
    release = _RELEASE.search(option_value(arguments, "-boot"))
    if release:
        return clean(release.group(1))
    return clean(option_value(arguments, "-sname", "-name").split("@", 1)[0])
