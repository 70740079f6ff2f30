""".NET: the assembly."""

import re

from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean, of_directory

PROGRAM = re.compile(r"dotnet|mono")


def name(facts: ProcessFacts) -> str:
    """Return the assembly without `.dll`, else the directory of `dotnet run`, else an empty string."""
    for argument in facts.arguments[1:]:
        if argument.lower().endswith((".dll", ".exe")):
            return clean(argument.replace("\\", "/").rsplit("/", 1)[-1][:-4])
    return of_directory(facts.working_directory) if "run" in facts.arguments[1:2] else ""
