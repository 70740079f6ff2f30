"""What each service is like: followed from its resources, its traffic, its ports and its files."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from exporter.fingerprint.model import Model, ModelError, load
from exporter.fingerprint.profiles import Profile, Profiles
from exporter.fingerprint.reading import lasting_ports, readings
from exporter.fingerprint.remembered import Levels, RememberedError, read, written
from exporter.services.changes import ChangeKey, Changes
from exporter.services.outlines import Outlines
from exporter.services.resources import ServiceResources
from exporter.services.view import HostView
from exporter.sources.deployed import Deployed

log = logging.getLogger(__name__)


class Portraits:
    """The profiles and changes of all services; every method may be called from any thread.

    Args:
        proc: the host's /proc; None where it has none.
        state: the file in which usual fingerprints outlive the exporter; None where they do not.
        wall: seconds since the epoch.
    """

    def __init__(self, proc: Path | None, state: Path | None = None, wall: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._state, self._wall = state, wall
        model = learned()
        self.has_model = model is not None
        self._profiles = Profiles(model, recalled={} if state is None else recalled(state, wall()))
        self._changes = Changes()
        self._deployed = Deployed(proc)

    def update(self, resources: Mapping[str, ServiceResources], view: HostView, wire: Outlines, now: float) -> None:
        """Take in the newest view of the host and the wire; `now` in seconds, never falling."""
        with self._lock:
            known = {name: one.known_class for name, one in view.services.items()}
            self._profiles.update(readings(view, resources, wire), known, now)
            ports = (lasting_ports(view, "tcp"), lasting_ports(view, "udp"))
            self._changes.update(self._deployed.read(view, ports, wire.dependencies), now, view.renamed)

    def save(self) -> None:
        """Write the usual fingerprints into the file of state, where there is one.

        Raises:
            OSError: it cannot be written.
        """
        if self._state is None:
            return
        with self._lock:
            text = written(self._profiles.usual(), self._wall())
        fresh = self._state.with_name(self._state.name + ".new")
        fresh.write_text(text)
        fresh.replace(self._state)

    def profiles(self) -> Mapping[str, Profile]:
        """Return how every service behaved as of the last update."""
        with self._lock:
            return self._profiles.latest()

    def changes(self) -> Mapping[ChangeKey, int]:
        """Return how often each property of every service changed."""
        with self._lock:
            return self._changes.counts()


def recalled(file: Path, now: float) -> Mapping[str, Levels]:
    """Return the usual fingerprints of a file, none where it is not there or cannot be used; `now` since the epoch."""
    try:
        return read(file.read_bytes(), now)
    except FileNotFoundError:
        return {}
    except (OSError, RememberedError) as error:
        log.warning("usual fingerprints not read", extra={"file": str(file), "reason": str(error)})
        return {}


def learned() -> Model | None:
    """Return the model that classifies services, None where its file cannot be used."""
    try:
        return load()
    except ModelError as error:
        log.warning("no classes by behaviour", extra={"error": str(error)})
        return None
