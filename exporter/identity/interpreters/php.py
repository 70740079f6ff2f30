"""PHP's command line: the script, the project of artisan and console, or the built-in server's document root."""

import re
from pathlib import PurePosixPath

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import first_operand, option_value
from exporter.identity.names import of_directory, of_file

PROGRAM = re.compile(r"php[\d.]*")
_WITH_VALUE = frozenset({"-c", "-d", "-z", "-S", "-t", "-B", "-R", "-E"})
_RUNNERS = frozenset({"artisan", "console", "yii", "spark"})


def name(facts: ProcessFacts) -> str:
    """Return what PHP runs; empty for inline code."""
    arguments = facts.arguments[1:]
    if "-r" in arguments[:2]:
        return ""
    if "-S" in arguments:
        root = option_value(arguments, "-t")
        return of_directory(str(PurePosixPath(facts.working_directory or "/", root))) or "php"
    at = first_operand(arguments, _WITH_VALUE)
    if at < 0:
        return ""
    runner = PurePosixPath(arguments[at]).name
    if runner in _RUNNERS:
        return of_directory(facts.working_directory) or runner
    return of_file(arguments[at], facts.working_directory)
