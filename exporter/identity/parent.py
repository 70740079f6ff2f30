"""Step 9: whether a process belongs to the service of the one that started it."""

from exporter.identity.executable import TOOLS, says_nothing
from exporter.identity.facts import Name, NameSource, ProcessFacts

_OWN = (NameSource.ENVIRONMENT, NameSource.KUBERNETES, NameSource.CONTAINER, NameSource.SYSTEMD)
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "fish", "ksh", "ash", "tcsh", "csh", "busybox"])
_MANAGERS_WORDS = """
systemd init tini dumb-init docker-init catatonit supervisord s6-svscan s6-supervise s6-linux-init runsv runsvdir
monit circusd forever foreman honcho conmon dockerd containerd podman crond cron atd anacron sshd sshd-session
login su sudo tmux screen xinetd inetd agetty make npm npx yarn pnpm nohup timeout env setsid strace gdb kubelet
nomad watchexec entr parallel xargs procmail pm2 pytest larimar
"""
_MANAGERS = frozenset(_MANAGERS_WORDS.split())
_MANAGER_TITLES = ("tmux:", "PM2 ", "npm ", "SCREEN")


def is_manager(facts: ProcessFacts, name: Name) -> bool:
    """Return whether the process starts other people's programs: an init, a supervisor, a session, a person's shell.

    A shell that runs a script is that script's service, and one that runs inline code is its caller's; neither manages.
    """
    program = facts.program
    if program in _SHELLS:
        return name.source is not NameSource.INTERPRETER and not _runs_inline(facts)
    if _starts_everything(facts):
        return True
    title = facts.arguments[0] if facts.arguments else ""
    return not _MANAGERS.isdisjoint((program, facts.comm, name.text)) or title.startswith(_MANAGER_TITLES)


def inherits(child: ProcessFacts, child_name: Name, parent: ProcessFacts, parent_name: Name) -> bool:
    """Return whether the child is part of its parent's service; names: the child's own, the parent's final."""
    if child_name.source in _OWN:
        return False
    if _forked(child, parent):
        return True
    if parent.program in _SHELLS and child.program in TOOLS and child_name.source is NameSource.EXECUTABLE:
        return True  # what a person or a script has done in passing
    if is_manager(parent, parent_name):
        # `sh -c` is how cron, npm and their like start a program: the shell is theirs, the program is not.
        return _runs_inline(child) and not _starts_everything(parent)
    if _is_bare(parent, parent_name):
        return False
    return child_name.source is NameSource.OTHER or _is_bare(child, child_name) or _renamed(child, child_name, parent)


def _forked(child: ProcessFacts, parent: ProcessFacts) -> bool:
    """Return whether the child still runs what its parent runs: a worker, not another program."""
    return bool(child.executable) and child.executable == parent.executable and child.arguments == parent.arguments


def _renamed(child: ProcessFacts, name: Name, parent: ProcessFacts) -> bool:
    """Return whether a process that runs what its parent runs only tells in its title what it does just now."""
    told = name.source is NameSource.TITLE and " " in child.arguments[0]
    return told and bool(child.executable) and child.executable == parent.executable


def _runs_inline(facts: ProcessFacts) -> bool:
    """Return whether a process is a shell that runs code given on its command line."""
    option = facts.arguments[1] if len(facts.arguments) > 1 else ""
    return facts.program in _SHELLS and option.startswith("-") and not option.startswith("--") and "c" in option


def _starts_everything(facts: ProcessFacts) -> bool:
    """Return whether a process is the first of its host or container, whose children are nobody's errands."""
    return facts.pid == 1 or facts.program.startswith("containerd-shim")


def _is_bare(facts: ProcessFacts, name: Name) -> bool:
    """Return whether a process has no better name than that of a tool or an interpreter."""
    return name.source is NameSource.EXECUTABLE and says_nothing(facts)
