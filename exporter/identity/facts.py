"""What is known of a process before it has a name, and what naming gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from types import MappingProxyType

OTHER = "~other"
"""The service of whatever has no name of its own; no real service can be called so."""

NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


class NameSource(StrEnum):
    """The step of the ladder that a name came from; the `name_source` label's value."""

    ENVIRONMENT = "environment"
    KUBERNETES = "kubernetes"
    CONTAINER = "container"
    SYSTEMD = "systemd"
    APPLICATION = "application"
    INTERPRETER = "interpreter"
    TITLE = "title"
    EXECUTABLE = "executable"
    PARENT = "parent"
    OTHER = "other"


class ServiceClass(StrEnum):
    """The `service_class` label's value."""

    WEB = "web"  # answers with files and pages that lie ready
    PROXY = "proxy"  # passes on what others answer
    APPLICATION = "application"  # computes what it answers
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    SEARCH = "search"
    DNS = "dns"
    MAIL = "mail"
    DIRECTORY = "directory"
    FILE = "file"
    MONITORING = "monitoring"
    LOGGING = "logging"
    CHAT = "chat"
    BATCH = "batch"
    SHELL = "shell"
    TIME = "time"
    SYSTEM = "system"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What the container runtime's files say of one container; empty where they could not be read.

    Attributes:
        name: the container's own name, such as `shop-web-1`.
        service: the name that its compose, swarm or nomad file gives the service.
        pod: the Kubernetes pod's name.
        part: the name of the container within its pod.
        image: the identifier of the image that it was made from.
    """

    name: str = ""
    service: str = ""
    pod: str = ""
    part: str = ""
    image: str = ""


NO_CONTAINER = ContainerFacts()


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What a process is, read once; all text may be hostile, undecodable bytes are surrogates.

    Attributes:
        pid: its number, unique only together with `start_ticks`.
        start_ticks: when it started, in clock ticks since boot.
        parent_pid: 0 for the first process.
        comm: the kernel's short name, at most 15 bytes.
        executable: the file that runs, empty where it may not be read.
        arguments: the command line; a process that sets its title has one argument, the title.
        cgroup: the path that says most (unified, else systemd's, else any).
        environment: the few variables that may name a service, no others.
        working_directory: empty where it may not be read.
        package: the name in the script's package file (package.json), else empty.
        container: what its container's runtime says.
        open_files_limit: the soft limit, 0 where unlimited or not readable.
    """

    pid: int
    start_ticks: int
    parent_pid: int
    comm: str
    executable: str = ""
    arguments: tuple[str, ...] = ()
    cgroup: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: NO_ENVIRONMENT)
    working_directory: str = ""
    package: str = ""
    container: ContainerFacts = NO_CONTAINER
    open_files_limit: int = 0

    @property
    def program(self) -> str:
        """Return the executable's file name, else the first argument's, else the kernel's short name."""
        if self.executable:
            return PurePosixPath(self.executable).name
        first = self.arguments[0] if self.arguments else ""
        # A title such as "postgres: writer" is no path.
        words = first.split(" ", 1)[0].rstrip(":")
        return PurePosixPath(words).name.lstrip("-") or self.comm


@dataclass(frozen=True, slots=True)
class Name:
    """A name and the step that it came from."""

    text: str
    source: NameSource


@dataclass(frozen=True, slots=True)
class ServiceIdentity:
    """What `larimar_service_info` tells of a service.

    Attributes:
        name: the `service_name` label's value.
        source: which step of the ladder named it.
        runtime: the language runtime (`python`, `java`, ...), empty for a native program.
        container: its container's name, empty outside one or where not readable.
        known_class: what its program is known to be, `UNKNOWN` where only its behaviour can tell.
    """

    name: str
    source: NameSource
    runtime: str = ""
    container: str = ""
    known_class: ServiceClass = ServiceClass.UNKNOWN


OTHER_IDENTITY = ServiceIdentity(OTHER, NameSource.OTHER)
