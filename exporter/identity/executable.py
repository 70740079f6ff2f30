"""Step 8: the file that runs, without its version."""

from exporter.identity import interpreters
from exporter.identity.facts import ProcessFacts
from exporter.identity.names import clean, of_file, without_version

_TOOLS_WORDS = """
sh bash dash zsh fish ksh ash busybox sleep cat grep sed awk gawk mawk tail head sort uniq cut tr wc tee xargs
find ls cp mv rm ln mkdir touch date env nice nohup timeout setsid stdbuf true false test expr seq yes dd tar gzip
bzip2 xz zstd curl wget rsync ssh scp git make ps top free df du id uname hostname kill pgrep ping ip ss logger
gpg-agent flock sudo su strace perf less more vi vim nano man which readlink realpath basename dirname stat chmod
chown
"""
TOOLS = frozenset(_TOOLS_WORDS.split())
"""Programs that work for whoever called them: they belong to their parent's service unless that is a manager."""


def name(facts: ProcessFacts) -> str:
    """Return the executable's name without version; of a generic one, the directory's, of an interpreter, its own."""
    runtime = interpreters.runtime(facts)
    if runtime:
        return runtime
    if facts.executable.startswith("/memfd:"):  # runs from memory, under a name that is often a random one
        return clean(without_version(facts.arguments[0].rsplit("/", 1)[-1] if facts.arguments else facts.comm))
    path = facts.executable or facts.program
    return clean(without_version(of_file(path) or facts.program))


def says_nothing(facts: ProcessFacts) -> bool:
    """Return whether an executable's name does not tell what its process is for: tools and interpreters."""
    return (facts.program in TOOLS and "--daemon" not in facts.arguments) or interpreters.of_process(facts) is not None
