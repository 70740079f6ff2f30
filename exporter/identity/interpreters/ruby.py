"""Ruby: the script, or the project inside puma, unicorn, rails, sidekiq and rackup."""

import re
from pathlib import PurePosixPath

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import first_operand
from exporter.identity.names import of_directory, of_file

PROGRAM = re.compile(r"(ruby|jruby|truffleruby)[\d.]*")
_WITH_VALUE = frozenset({"-I", "-r", "-C", "-E"})
_RUNNERS = frozenset(["puma", "unicorn", "rails", "rackup", "thin", "passenger", "bundle", "rake"])


def name(facts: ProcessFacts) -> str:
    """Return the project that a runner serves, else the script's name; empty for inline code."""
    arguments = facts.arguments[1:]
    at = first_operand(arguments, _WITH_VALUE)
    if at < 0 or "-e" in arguments[:at]:
        return ""
    runner = PurePosixPath(arguments[at]).name
    if runner in _RUNNERS:
        return of_directory(facts.working_directory) or runner
    if runner == "sidekiq":
        project = of_directory(facts.working_directory)
        return f"{project}-sidekiq" if project else runner
    return of_file(arguments[at], facts.working_directory)
