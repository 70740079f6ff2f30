"""Step 6: interpreters unwrapped, one file per language; the order is that of matching."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters import dotnet, erlang, java, node, php, python, ruby, scripts


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How programs of one language are run.

    Attributes:
        runtime: the `runtime` label's value; empty for shells.
        program: matches the interpreter's file name.
        name: what a process of it runs, or an empty string.
    """

    runtime: str
    program: re.Pattern[str]
    name: Callable[[ProcessFacts], str]


INTERPRETERS: tuple[Interpreter, ...] = (
    Interpreter("python", python.PROGRAM, python.name),
    Interpreter("java", java.PROGRAM, java.name),
    Interpreter("node", node.PROGRAM, node.name),
    Interpreter("ruby", ruby.PROGRAM, ruby.name),
    Interpreter("php", php.PROGRAM, php.name),
    Interpreter("dotnet", dotnet.PROGRAM, dotnet.name),
    Interpreter("erlang", erlang.PROGRAM, erlang.name),
    Interpreter("perl", scripts.PERL, scripts.name),
    Interpreter("lua", scripts.LUA, scripts.name),
    Interpreter("r", scripts.R, scripts.name),
    Interpreter("tcl", scripts.TCL, scripts.name),
    Interpreter("", scripts.SHELL, scripts.name),
)


def of_process(facts: ProcessFacts) -> Interpreter | None:
    """Return the interpreter that a process is; None for a native program."""
    return of_program(facts.program)


def of_program(program: str) -> Interpreter | None:
    """Return the interpreter that a file name is known for; None for any other."""
    return next((one for one in INTERPRETERS if one.program.fullmatch(program)), None)


def name(facts: ProcessFacts) -> str:
    """Return what an interpreter runs; empty for other programs, inline code and titles."""
    interpreter = of_process(facts)
    # A single argument with a space is a title, which says nothing of a script.
    if interpreter is None or (len(facts.arguments) == 1 and " " in facts.arguments[0]):
        return ""
    return interpreter.name(facts)


def runtime(facts: ProcessFacts) -> str:
    """Return the language runtime of a process, empty for a native program."""
    interpreter = of_process(facts)
    return interpreter.runtime if interpreter else ""
