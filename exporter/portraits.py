"""What each service is like: followed from its resources, its traffic, its ports and its files."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from exporter.fingerprint.model import Model, ModelError, load
from exporter.fingerprint.profiles import Profile, Profiles
from exporter.fingerprint.reading import lasting_ports, readings
from exporter.services.changes import ChangeKey, Changes
from exporter.services.outlines import Outlines
from exporter.services.resources import ServiceResources
from exporter.services.view import HostView
from exporter.sources.deployed import Deployed

log = logging.getLogger(__name__)


class Portraits:
    """The profiles and changes of all services; every method may be called from any thread.

    Args:
        proc: the host's /proc.
    """

    def __init__(self, proc: Path) -> None:
        self._lock = threading.Lock()
        model = learned()
        self.has_model = model is not None
        self._profiles = Profiles(model)
        self._changes = Changes()
        self._deployed = Deployed(proc)

    def update(self, resources: Mapping[str, ServiceResources], view: HostView, wire: Outlines, now: float) -> None:
        """Take in the newest view of the host and the wire; `now` in seconds, never falling."""
        with self._lock:
            known = {name: one.known_class for name, one in view.services.items()}
            self._profiles.update(readings(view, resources, wire), known, now)
            ports = (lasting_ports(view, "tcp"), lasting_ports(view, "udp"))
            self._changes.update(self._deployed.read(view, ports, wire.dependencies), now, view.renamed)

    def profiles(self) -> Mapping[str, Profile]:
        """Return how every service behaved as of the last update."""
        with self._lock:
            return self._profiles.latest()

    def changes(self) -> Mapping[ChangeKey, int]:
        """Return how often each property of every service changed."""
        with self._lock:
            return self._changes.counts()


def learned() -> Model | None:
    """Return the model that classifies services, None where its file cannot be used."""
    try:
        return load()
    except ModelError as error:
        log.warning("no classes by behaviour", extra={"error": str(error)})
        return None
