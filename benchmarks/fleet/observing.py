"""Watches this host as the exporter does, and keeps what it makes of every service."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exporter.fingerprint.activity import Reading
from exporter.fingerprint.model import Model
from exporter.fingerprint.profiles import Profile, Profiles
from exporter.fingerprint.reading import readings
from exporter.services.view import HostView
from exporter.sources.host import Host
from exporter.sources.packets import open_packets
from exporter.sources.procfshost import procfs_host
from exporter.wire import Wire

MEMORY_BYTES = 64 << 20
DRAIN_SECONDS, HOST_SECONDS, PROFILE_SECONDS = 0.05, 1.0, 5.0


@dataclass(slots=True)
class Watch:
    """A running look at this host.

    Attributes:
        model: what tells classes by behaviour.
        view: the newest look at processes and sockets.
        profiles: what is made of every service since `begin`.
    """

    host: Host
    wire: Wire
    model: Model | None
    view: HostView = field(default_factory=HostView)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    _follower: Profiles = field(default_factory=lambda: Profiles(None))
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Forget how services behaved until now."""
        with self._lock:
            self._follower = Profiles(self.model)
            self.profiles = {}

    def drain(self) -> None:
        """Read packets until the end."""
        while not self._stop.wait(DRAIN_SECONDS):
            self.wire.drain()

    def look(self) -> None:
        """Look at processes and sockets, and at what services used, until the end."""
        profile_at = 0.0
        while not self._stop.wait(HOST_SECONDS):
            now = time.monotonic()
            self.view = self.host.refresh(now)
            self.wire.attribute(self.view, now)
            if now >= profile_at:
                profile_at = now + PROFILE_SECONDS
                self._profile(now)

    def stop(self) -> None:
        """End both."""
        self._stop.set()

    def _profile(self, now: float) -> None:
        found = self._readings(now)
        known = {name: one.known_class for name, one in self.view.services.items()}
        with self._lock:
            self.profiles = self._follower.update(found, known, now)

    def _readings(self, now: float) -> Mapping[str, Reading]:
        return readings(self.view, self.host.sample(now), self.wire.outlines())


@contextmanager
def watching(model: Model | None = None) -> Iterator[Watch]:
    """Watch all interfaces and processes; needs CAP_NET_RAW."""
    with closing(procfs_host(Path("/proc"))) as host:
        wire = Wire(open_packets("auto", (), 2048, MEMORY_BYTES), MEMORY_BYTES, cpu_budget=2.0)
        watch = Watch(host, wire, model)
        threads = [threading.Thread(target=work, daemon=True) for work in (watch.drain, watch.look)]
        for thread in threads:
            thread.start()
        try:
            yield watch
        finally:
            watch.stop()
            for thread in threads:
                thread.join()
            wire.close(time.time_ns())
