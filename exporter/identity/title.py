"""Step 7: the title that a process gave itself, such as `nginx: worker process`."""

import re
from dataclasses import replace

from exporter.identity import interpreters
from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean, of_directory, without_version

# Application servers that put the application into their title.
# Passenger tells where its application lies.
_DIRECTORY = re.compile(r"^Passenger \w+: (/\S+)")
_BRACKETED = re.compile(r"^(?:gunicorn|puma|unicorn|uwsgi|hypercorn)\b.*\[([^\]]+)\]\s*$")
_SIDEKIQ = re.compile(r"^sidekiq [\d.]+ (\S+) \[")
# Those that start other people's programs and call themselves after what they were told.
_STARTER = re.compile(r"^(npm|pnpm|yarn|PM2)\b")
_PREFIX = re.compile(r"^([\w./@+-]+): ")
_WORD = re.compile(r"[A-Za-z][\w.@+-]+")


def name(facts: ProcessFacts) -> str:
    """Return the application in the title, else what stands before its colon, else a script's first word."""
    if len(facts.arguments) != 1:
        return ""
    title = facts.arguments[0].strip()
    found = _BRACKETED.match(title) or _SIDEKIQ.match(title)
    if found:
        return clean(found.group(1).split(":", 1)[0].split(".", 1)[0])
    directory = _DIRECTORY.match(title)
    if directory:
        return of_directory(directory.group(1))
    starter = _STARTER.match(title)
    if starter:
        return starter.group(1).lower()
    prefix = _PREFIX.match(title)
    if prefix:
        return clean(without_version(prefix.group(1).rsplit("/", 1)[-1]))
    return _assumed(title.split(), facts)


def _assumed(words: list[str], facts: ProcessFacts) -> str:
    """Return what a script called its interpreter, or empty: an idle interpreter is called after its own file.

    A title that repeats a command line is read as one.
    """
    if not words or interpreters.of_process(facts) is None:
        return ""
    first = words[0].rsplit("/", 1)[-1]
    if interpreters.of_program(first) is not None:
        return interpreters.name(replace(facts, arguments=tuple(words))) if len(words) > 1 else ""
    if not _WORD.fullmatch(first):
        return ""
    as_script = replace(facts, arguments=(facts.program, *words)) if len(words) > 1 else None
    return (interpreters.name(as_script) if as_script else "") or clean(first)
