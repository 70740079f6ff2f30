"""Wires the exporter's parts together and runs its loops."""

import logging
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import TypeVar

from exporter.collectors.scrape import Families, Shared
from exporter.config import Config
from exporter.pages import capabilities, collectors, routes
from exporter.portraits import Portraits
from exporter.privileges import grant, losses
from exporter.services.pacing import Pace
from exporter.services.windows import Windows
from exporter.sources.calling import open_calling
from exporter.sources.errors import SourceError
from exporter.sources.governed import Round
from exporter.sources.hosts import open_host, procfs_of
from exporter.sources.namespaces import Namespaces
from exporter.sources.packets import open_packets
from exporter.sources.source import PacketSource
from exporter.sources.urgency import hurry_thread
from exporter.wire import Wire
from toolkit.families import Family
from toolkit.server import serve

log = logging.getLogger(__name__)

T = TypeVar("T")

DRAIN_SECONDS = 0.1
# A ring holds what a quiet network sends in many rounds, but what a busy one sends in a few milliseconds.
BUSY_FULLNESS = 0.75
BUSY_DRAIN_SECONDS = 0.005
# Left to the scrapes between two rounds, however late the loop is.
LEAST_PAUSE_SECONDS = 0.002
PAUSED_SECONDS = 0.25  # while nothing is captured
HOST_SECONDS = 1.0
# What a process uses between its last sample and its end goes to its parent: so much at most.
RESOURCES_SECONDS = 5.0
INTERFACES_SECONDS = 5.0
SAVE_SECONDS = 300.0
# Without CAP_NET_ADMIN the kernel keeps some three hundred notices, else as many as come in any pause.
CLOSINGS_SECONDS = 0.05
# Counting every call takes a server that does nothing but call up to 10 % of its time; a fiftieth of that is little.
SYSCALL_WINDOWS = Windows(seconds=0.1, period=5.0, dice=SystemRandom().random)
# A stage that was not done for so long hangs or fails, and what /metrics shows is old.
STALLED_SECONDS = 15.0


class Attempts:
    """Runs actions that may fail unexpectedly, so that the rest goes on; may be used from any thread.

    Attributes:
        failures: name -> how often it failed; the first failure in a row is logged, with its traceback.
    """

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._lock = threading.Lock()

    def run(self, name: str, action: Callable[[], T]) -> T | None:
        """Return what the action returns, None if it failed."""
        try:
            result = action()
        except Exception:
            with self._lock:
                self.failures[name] += 1
                is_first = name not in self._failing
                self._failing.add(name)
            if is_first:
                log.exception("failed, going on without it", extra={"stage": name})
            return None
        self._failing.discard(name)
        return result


@dataclass(slots=True)
class Stage:
    """A part of a loop's round.

    Attributes:
        due_at, done_at: when it is to run next, and when it last ended well, in seconds of the loop's clock.
    """

    name: str
    every_seconds: float
    run: Callable[[float], None]
    due_at: float = -math.inf
    done_at: float = -math.inf


class App:
    """The exporter: a loop that reads packets, another that observes the host, and an HTTP server.

    The loops are separate because reading thousands of processes takes longer than the rings can wait.

    Args:
        config: the settings.
        clock: seconds, never falling.
        wall: nanoseconds since the epoch, as packets are stamped.

    Raises:
        ServeError: the address is taken or the web configuration cannot be used.
        OSError: there is no procfs where the settings say.
    """

    def __init__(
        self, config: Config, clock: Callable[[], float] = time.monotonic, wall: Callable[[], int] = time.time_ns
    ) -> None:
        self._clock, self._wall = clock, wall
        self._attempts = Attempts()
        self._pace = Pace(config.cpu_budget, HOST_SECONDS, clock())
        self._drained = Round()
        self._said = False
        self._saved_at = clock()
        self._capture_error = ""
        self._packet_stages = (
            Stage("drain", 0.0, self._drain),
            Stage("expire", HOST_SECONDS, lambda _now: self._wire.expire(self._wall())),
            Stage("closings", CLOSINGS_SECONDS, lambda _now: self._host.hear()),
        )
        self._host_stages = tuple(self._stages_of_host(config.resources))
        with ExitStack() as opened:
            self._namespaces = opened.enter_context(closing(Namespaces(config.procfs)))
            self._host = open_host(config.host_method, config.procfs, config.bpf, self._namespaces)
            opened.callback(self._host.close)
            self._wire = Wire(
                self._open_capture(config), config.memory_bytes, config.cpu_budget, values=config.business_value
            )
            opened.callback(lambda: self._wire.close(self._wall()))
            proc = procfs_of(config.host_method, config.procfs)
            self._portraits = Portraits(proc, config.fingerprints_state, lambda: wall() / 1e9)
            opened.callback(self._save)
            windows = SYSCALL_WINDOWS if config.syscalls_mode == "windows" else None
            self._calling = open_calling(windows, self._host.services, clock, config.procfs, config.syscalls)
            opened.callback(self._calling.close)
            traffic = Shared(self._wire.traffic)
            named = collectors(
                *(config, self._wire, self._host, self._portraits, self._calling, traffic),
                clock=clock,
                failures=self._attempts.failures,
            )
            pages = routes(config, named, (traffic,), self._collect, clock, self._not_ready)
            self.server = serve(config.listen, pages, config.web_config)
            opened.callback(self.server.close)
            self._opened = opened.pop_all()

    def run(self, stop: threading.Event) -> None:
        """Run the loops until `stop` is set."""
        loops = {"host": self._run_host, "syscalls": self._run_syscalls}
        beside = [threading.Thread(target=loop, args=(stop,), name=name) for name, loop in loops.items()]
        for thread in beside:
            thread.start()
        try:
            self._run_packets(stop)
        finally:
            stop.set()
            for thread in beside:
                thread.join()

    def round(self) -> None:
        """Do all that is due, once."""
        self._round(self._packet_stages)
        self._round_host()

    def close(self) -> None:
        """Stop serving and close every socket and file."""
        self._opened.close()

    def _open_capture(self, config: Config) -> PacketSource | None:
        """Return the capture that the settings ask for, None where it is switched off or not possible."""
        if not config.capture:
            return None
        try:
            return open_packets(
                config.capture_method,
                config.interfaces,
                config.snaplen,
                config.memory_bytes,
                filters=config.capture_filter,
                namespaces=self._namespaces if config.namespaces == "all" else None,
            )
        except SourceError as error:
            self._capture_error = str(error)  # told with all else that is missing
            return None

    def _stages_of_host(self, resources: bool) -> Iterator[Stage]:
        yield Stage("host", HOST_SECONDS, lambda now: self._wire.attribute(self._host.refresh(now), now))
        if resources:
            yield Stage("resources", RESOURCES_SECONDS, self._sample)
        yield Stage("interfaces", INTERFACES_SECONDS, lambda _now: self._wire.follow_interfaces())

    def _run_packets(self, stop: threading.Event) -> None:
        hurry_thread()
        pause = 0.0
        while not stop.is_set():
            started = self._clock()
            self._round(self._packet_stages)
            pause = self._pause() - (self._clock() - started)
            if pause > LEAST_PAUSE_SECONDS:
                self._wire.wait(pause, stop)
            else:
                stop.wait(LEAST_PAUSE_SECONDS)

    def _run_syscalls(self, stop: threading.Event) -> None:
        self._attempts.run("syscalls", lambda: self._calling.run(stop))

    def _run_host(self, stop: threading.Event) -> None:
        pause = 0.0
        while not stop.wait(pause):
            started, used = self._clock(), time.thread_time()
            self._round_host()
            now = self._clock()
            pause = self._pace.pause(now, now - started, time.thread_time() - used)

    def _round(self, stages: Iterable[Stage]) -> None:
        """Do what is due; a stage that fails is counted, and tried again when it is due next."""
        now = self._clock()
        for stage in stages:
            if now >= stage.due_at:
                stage.due_at = now + stage.every_seconds
                self._attempts.run(stage.name, partial(self._do, stage, now))

    def _do(self, stage: Stage, now: float) -> None:
        stage.run(now)
        stage.done_at = self._clock()

    def _pause(self) -> float:
        pause = pause_after(self._drained)
        return pause if self._host.hears_closings else min(pause, CLOSINGS_SECONDS)

    def _drain(self, _now: float) -> None:
        self._drained = self._wire.drain()

    def _round_host(self) -> None:
        self._round(self._host_stages)
        if not self._said:
            self._said = True
            self._say_what_is_missing()

    def _sample(self, now: float) -> None:
        resources = self._host.sample(now)
        self._portraits.update(resources, self._host.view(), self._wire.outlines(), now)
        if now - self._saved_at >= SAVE_SECONDS:
            self._saved_at = now
            self._save()

    def _save(self) -> None:
        self._attempts.run("fingerprints", self._portraits.save)

    def _say_what_is_missing(self) -> None:
        available = capabilities(self._wire, self._host, self._calling)
        missing = [name for name, is_there in available.items() if not is_there]
        if missing:
            reason = {"reason": self._capture_error} if self._capture_error else {}
            # What psutil does not tell nobody grants.
            granting = {"grant": grant(os.getuid(), os.getgid(), missing)} if available["procfs"] else {}
            log.warning("not permitted to see everything", extra={"missing": losses(available), **reason, **granting})

    def _collect(self, name: str, families: Families) -> tuple[Family, ...] | None:
        return self._attempts.run(f"collector {name}", lambda: tuple(families()))

    def _not_ready(self) -> tuple[str, ...]:
        now = self._clock()
        late = {stage.name: now - stage.done_at for stage in (*self._packet_stages, *self._host_stages)}
        return tuple(
            f"{name}: not done yet" if seconds == math.inf else f"{name}: not done for {seconds:.0f} s"
            for name, seconds in late.items()
            if seconds > STALLED_SECONDS
        )


def pause_after(drained: Round) -> float:
    """Return after how many seconds to drain again."""
    if drained.is_cut:
        return 0.0
    if drained.fullness > BUSY_FULLNESS:
        return BUSY_DRAIN_SECONDS
    return min(drained.due_seconds, DRAIN_SECONDS if drained.open or drained.fullness else PAUSED_SECONDS)
