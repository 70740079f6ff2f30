"""Perl, Lua, R, Tcl and shells: the script."""

import re
from pathlib import PurePosixPath

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import first_operand
from exporter.identity.names import of_file

PERL = re.compile(r"perl[\d.]*")
LUA = re.compile(r"lua(jit)?[\d.]*")
R = re.compile(r"R|Rscript")
TCL = re.compile(r"tclsh[\d.]*|wish[\d.]*")
SHELL = re.compile(r"(ba|da|z|k|mk|a|fi|c|tc)?sh")
_WITH_VALUE = frozenset({"-I", "-M", "-m", "-l", "-o", "-O", "--rcfile", "--init-file", "-C"})
_RUNNERS = frozenset({"starman", "plackup", "twiggy", "starlet", "hypnotoad", "morbo"})
_INLINE = ("-c", "-e", "-E", "-s")


def name(facts: ProcessFacts) -> str:
    """Return the script's name, or the application of its server; empty for code and interactive use."""
    arguments = facts.arguments[1:]
    at = first_operand(arguments, _WITH_VALUE)
    if at < 0 or any(_is_inline(option) for option in arguments[:at]):
        return ""
    last = arguments[-1]
    if PurePosixPath(arguments[at]).name in _RUNNERS and last.endswith((".psgi", ".pl")):
        return of_file(last, facts.working_directory)
    return of_file(arguments[at], facts.working_directory)


def _is_inline(option: str) -> bool:
    """Return whether an option such as `-c`, `-ec` or `-lc` takes code, not a file."""
    return option in _INLINE or (option.startswith("-") and not option.startswith("--") and option.endswith("c"))
