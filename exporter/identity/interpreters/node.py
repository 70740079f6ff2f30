"""Node.js, Deno and Bun: the package, else the script."""

import re

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import first_operand
from exporter.identity.names import GENERIC, clean, of_directory, of_file

PROGRAM = re.compile(r"(node|nodejs|deno|bun)[\d.]*")
_WITH_VALUE_WORDS = """
-r --require --import --loader --experimental-loader -C --conditions --env-file
"""
_WITH_VALUE = frozenset(_WITH_VALUE_WORDS.split())
_INLINE = frozenset({"-e", "--eval", "-p", "--print", "-i", "--interactive"})


def name(facts: ProcessFacts) -> str:
    """Return the package's name where the script's says nothing, else the script's; empty for inline code."""
    arguments = facts.arguments[1:]
    if arguments[:1] in (("run",), ("task",), ("serve",)):
        arguments = arguments[1:]
    at = first_operand(arguments, _WITH_VALUE)
    if at < 0 or not _INLINE.isdisjoint(arguments[:at]):
        return ""
    script = arguments[at]
    tool = re.search(r"node_modules/(?:\.bin/)?((?:@[^/]+/)?[^/]+)", script)
    package = clean(facts.package)
    if tool:  # `next start`: the project is what counts, the tool only where nothing names the project
        return package or of_directory(facts.working_directory) or clean(tool.group(1)).removesuffix("-cli")
    stem = of_file(script)
    return package if package and (stem.lower() in GENERIC or not stem) else of_file(script, facts.working_directory)
