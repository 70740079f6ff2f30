"""Step 7: the title that a process gave itself, such as `nginx: worker process`."""

import re

from exporter.identity import interpreters
from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean

# Application servers that put the application into their title.
_BRACKETED = re.compile(r"^(?:gunicorn|puma|unicorn|uwsgi|hypercorn)\b.*\[([^\]]+)\]\s*$")
_SIDEKIQ = re.compile(r"^sidekiq [\d.]+ (\S+) \[")
# Those that start other people's programs and call themselves after what they were told.
_STARTER = re.compile(r"^(npm|pnpm|yarn|PM2)\b")
_PREFIX = re.compile(r"^([\w./@+-]+): ")
_WORD = re.compile(r"[A-Za-z][\w.@+-]+")


def name(facts: ProcessFacts) -> str:
    """Return the application in the title, else what stands before its colon, else an empty string."""
    if len(facts.arguments) != 1:
        return ""
    title = facts.arguments[0].strip()
    found = _BRACKETED.match(title) or _SIDEKIQ.match(title)
    if found:
        return clean(found.group(1).split(":", 1)[0].split(".", 1)[0])
    starter = _STARTER.match(title)
    if starter:
        return starter.group(1).lower()
    prefix = _PREFIX.match(title)
    if prefix:
        return clean(prefix.group(1).rsplit("/", 1)[-1])
    return clean(title) if _is_assumed(title, facts) else ""


def _is_assumed(title: str, facts: ProcessFacts) -> bool:
    """Return whether a script gave its interpreter a name of one word; an idle interpreter has that of its file."""
    own = interpreters.of_process(facts)
    return own is not None and bool(_WORD.fullmatch(title)) and interpreters.of_program(title) is None
