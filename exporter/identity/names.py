"""Turns file names, directories and titles into service names."""

import re
from pathlib import PurePosixPath

MAX_NAME_LENGTH = 80

_GENERIC_WORDS = """
app application main server index manage run start wsgi asgi __main__ cli bootstrap launcher service entrypoint
"""
GENERIC = frozenset(_GENERIC_WORDS.split())
"""Names that say nothing: the directory around them says more."""

_GENERIC_DIRECTORIES_WORDS = """
src bin sbin app apps dist build lib libexec current release releases public scripts code www html venv env .venv
target node_modules site-packages dist-packages usr local share opt srv var home root workspace deploy data etc
"""
_GENERIC_DIRECTORIES = frozenset(_GENERIC_DIRECTORIES_WORDS.split())
_TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/")  # noqa: S108 - compared with, never written to
_VERSION = re.compile(r"([-_.]?v?\d+(\.\d+)+([-_.+~][a-z0-9]+)*|[-_]v\d+)$", re.IGNORECASE)
_PLATFORM = re.compile(
    r"[-_.](linux|amd64|x86_64|arm64|aarch64|musl|gnu|static|snapshot|release|all|shaded)$", re.IGNORECASE
)
_SUFFIX = re.compile(
    r"\.(py|pyc|pyw|js|cjs|mjs|ts|rb|pl|psgi|php|phar|sh|bash|jar|war|dll|exe|r|lua|tcl|ex|exs)$", re.IGNORECASE
)
_UNFIT = re.compile(r"[^\w.@:/+()\[\]-]+")


def clean(text: str) -> str:
    """Return `text` fit for a label: no control characters, spaces or undecodable bytes, bounded; may be empty."""
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return _UNFIT.sub("-", readable).strip("-.:/")[:MAX_NAME_LENGTH]


def without_version(file_name: str) -> str:
    """Strip a script's suffix, the platform and the version: `shop-1.2.3-linux-amd64` is `shop`."""
    stem = _SUFFIX.sub("", file_name)
    while True:
        shorter = _VERSION.sub("", _PLATFORM.sub("", stem))
        if shorter == stem or not shorter:
            return stem
        stem = shorter


def of_file(path: str, working_directory: str = "") -> str:
    """Name what a script or archive runs: its stem, or the directory around it where the stem says nothing."""
    if path.startswith(("/dev/fd/", "/proc/self/fd/", "/dev/stdin")):
        return ""
    stem = clean(without_version(PurePosixPath(path).name))
    if stem.lower() not in GENERIC:
        return stem
    return of_directory(str(PurePosixPath(working_directory or "/", path).parent)) or stem


def of_directory(path: str) -> str:
    """Name a project by the nearest directory that says something; empty below temporary and home directories."""
    if f"{path}/".startswith(_TEMPORARY):
        return ""
    parts = PurePosixPath(path).parts[1:]
    if parts[:1] == ("home",):
        parts = parts[2:]
    for part in reversed(parts):
        # Deployments put releases in directories called by number or date.
        if part.lower() not in _GENERIC_DIRECTORIES and not re.fullmatch(r"[\d.v_-]+", part):
            return clean(without_version(part))
    return ""
