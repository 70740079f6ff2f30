"""Python: a module, a script, or the application inside gunicorn, uvicorn, celery and their like."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from exporter.identity.facts import ProcessFacts
from exporter.identity.interpreters.arguments import first_operand, option_value
from exporter.identity.names import GENERIC, clean, of_directory, of_file

PROGRAM = re.compile(r"(python|pypy|uwsgi)[\d.]*|uwsgi-core")
_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?")
_LOADED = re.compile(r"[A-Za-z_][\w.]*(:[A-Za-z_]\w*)?")
_MODULE = re.compile(r"[A-Za-z_][\w.]*")
_RUNNERS_WORDS = """
gunicorn uvicorn hypercorn daphne granian waitress-serve waitress uwsgi flask fastapi sanic streamlit
"""
_RUNNERS = frozenset(_RUNNERS_WORDS.split())
_WORKERS = frozenset({"arq", "dramatiq", "huey_consumer", "taskiq"})


def name(facts: ProcessFacts) -> str:
    """Return what the interpreter runs; empty for inline code and forked helpers."""
    arguments = facts.arguments[1:]
    if facts.program.startswith("uwsgi"):
        return _unwrapped("uwsgi", arguments, facts)
    for index, argument in enumerate(arguments):
        if argument == "-m" and index + 1 < len(arguments):
            return _unwrapped(arguments[index + 1], arguments[index + 2 :], facts)
        if argument == "-c":
            return ""
        if not argument.startswith("-"):
            break
    at = first_operand(arguments, _WITH_VALUE)
    if at < 0 or arguments[at] == "-":
        return ""
    return _unwrapped(arguments[at], arguments[at + 1 :], facts)


def _unwrapped(target: str, rest: Sequence[str], facts: ProcessFacts) -> str:
    """Name a module or script; of an application server, the application."""
    runner = re.sub(r"[\d.]+$", "", PurePosixPath(target).name)
    if runner in _RUNNERS:
        return _application(runner, rest, facts) or runner
    if runner == "celery":
        return _celery(rest, facts)
    if runner in _WORKERS:
        return _worker(runner, rest, facts)
    operand = first_operand(rest, ())
    if operand >= 0 and _APPLICATION.fullmatch(rest[operand]) and PurePosixPath(target).parent.name == "bin":
        return _of_module(rest[operand], "", facts)  # a server that we do not know, told what to load
    if "/" in target or target.endswith(".py"):
        return of_file(target, facts.working_directory)
    module = target.removesuffix(".__main__")
    return clean(module) if "/" not in module else of_file(module, facts.working_directory)


def _application(runner: str, arguments: Sequence[str], facts: ProcessFacts) -> str:
    """Return the application that a server was told to load, such as `shop` of `shop.wsgi:application`."""
    found = next((text for text in arguments if _APPLICATION.fullmatch(text)), "")
    # With the others, -w is the number of workers.
    found = found or option_value(arguments, "--app", "-A", "--module", *(("-w",) if runner == "uwsgi" else ()))
    last = arguments[-1] if arguments else ""
    before = arguments[-2] if len(arguments) > 1 else ""
    if not found and _MODULE.fullmatch(last) and not before.startswith("-"):
        found = last
    if not found and last.endswith(".py"):
        return of_file(last, facts.working_directory)
    return _of_module(found, option_value(arguments, "--chdir", "--app-dir"), facts)


def _of_module(dotted: str, directory: str, facts: ProcessFacts) -> str:
    """Return the package of a dotted name; of a generic one, the project's directory, else the name itself."""
    package = clean(dotted.split(":", 1)[0].split(".", 1)[0])
    if package.lower() not in GENERIC:
        return package
    return of_directory(directory or facts.working_directory) or package


def _worker(runner: str, arguments: Sequence[str], facts: ProcessFacts) -> str:
    """Return the project whose tasks a worker was told to load, told from what else the project runs."""
    loaded = next((text for text in arguments if _LOADED.fullmatch(text) and text != "worker"), "")
    return f"{_of_module(loaded, '', facts)}-worker" if loaded else runner


def _celery(arguments: Sequence[str], facts: ProcessFacts) -> str:
    """Return the project and the part of it that runs: its worker and its clock are different services."""
    project = _of_module(option_value(arguments, "-A", "--app"), "", facts) or "celery"
    part = next((text for text in arguments if text in ("worker", "beat", "flower")), "")
    return f"{project}-{part}" if part else project
