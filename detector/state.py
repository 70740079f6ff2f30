"""Keeps on disk what must outlive a restart: incidents and coverage as JSON, baselines and memory as arrays.

Each file is written beside the old one and then takes its place, so a crash leaves the old or the new. A file that
cannot be used is set aside and its content found again from Prometheus; only the incidents in it are lost then.
"""

import json
import logging
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from detector.baselines import BaselineError, Baselines, OtherVersionError, restore, store
from detector.coverage.sight import Sight, Target
from detector.evaluation import State, empty_state
from detector.incidents.background import Background, Change
from detector.incidents.episodes import Episodes, Span
from detector.incidents.feedback import Feedback, Verdict
from detector.incidents.incident import Book, Identity, Incident, Phase
from detector.incidents.lifecycle import PROMETHEUS
from detector.model import Finding, Seconds, SeriesKey, Severity, Way
from detector.watch import Knowledge

log = logging.getLogger(__name__)

VERSION = 5
MEMORY_VERSION = 9
MOST_LINE_BYTES = 1024
ARCHIVE = b"PK\x03\x04"  # how one begins
BOOK, BASELINES, MEMORY = "incidents.json", "baselines.npz", "memory.npz"
Part = TypeVar("Part")


class StateError(ValueError):
    """A file of the state is damaged, of another version or of other signals."""


class OtherStateError(StateError):
    """A file of the state is whole, but of another version or of other signals."""


OTHER = (OtherStateError, OtherVersionError)
# What reading damaged bytes may raise: of files, JSON, archives and the values in them.
UNUSABLE = (OSError, EOFError, BaselineError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder with the state.

    Attributes:
        folder: made when first written to.
        signature: of the signals and the interval; baselines of others cannot be used.
    """

    folder: Path
    signature: str

    def load(self) -> Knowledge:
        """What an earlier detector left; without what is missing or damaged."""
        knowledge = self._read(BOOK, lambda path: _knowledge(path.read_bytes()), Knowledge())
        baselines = self._read(BASELINES, self._baselines, None)
        if baselines is None:
            return knowledge
        knowledge = replace(knowledge, baselines=baselines, state=empty_state(baselines.keys))
        return self._read(MEMORY, lambda path: _with_memory(knowledge, path), knowledge)

    def save_book(self, knowledge: Knowledge) -> None:
        """Write incidents and coverage. Raises OSError."""
        document = json.dumps(_document(knowledge)).encode()
        self._write(BOOK, lambda file: file.write(document))

    def save_baselines(self, knowledge: Knowledge) -> None:
        """Write the baselines, and the memory that belongs to them. Raises OSError."""
        if knowledge.baselines is not None:
            self._write(BASELINES, partial(self._store, knowledge.baselines))
            self.save_memory(knowledge)

    def save_memory(self, knowledge: Knowledge) -> None:
        """Write what the checks remember. Raises OSError."""
        if knowledge.state is not None:
            self._write(MEMORY, partial(_store_memory, knowledge.state, knowledge.evaluated_at))

    def _store(self, baselines: Baselines, file: IO[bytes]) -> None:
        file.write(self.signature.encode() + b"\n")
        store(baselines, file)

    def _baselines(self, path: Path) -> Baselines:
        with path.open("rb") as file:
            made_for = file.readline(MOST_LINE_BYTES)
            if made_for == self.signature.encode() + b"\n":
                return restore(file)
            if made_for.endswith(b"\n") and file.read(len(ARCHIVE)) == ARCHIVE:
                raise OtherStateError("was made for other signals, queries, steps or another shard")
            raise StateError("does not say what it was made for")

    def _read(self, name: str, parse: Callable[[Path], Part], default: Part) -> Part:
        path = self.folder / name
        try:
            return parse(path)
        except FileNotFoundError:
            return default
        except OTHER as error:  # as after each update: what it says is found anew
            log.info("state of another version set aside", extra={"file": str(path), "reason": str(error)})
            self._set_aside(path, ".other")
        except UNUSABLE as error:
            log.warning(
                "damaged state set aside", extra={"file": str(path), "reason": f"{type(error).__name__}: {error}"}
            )
            self._set_aside(path, ".damaged")
        return default

    def _set_aside(self, path: Path, suffix: str) -> None:
        try:
            path.replace(path.with_suffix(path.suffix + suffix))
        except OSError as error:
            log.warning("state not set aside", extra={"file": str(path), "reason": str(error)})

    def _write(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        fresh = path.with_suffix(path.suffix + ".new")
        try:
            with fresh.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            fresh.unlink(missing_ok=True)  # on a full disk, what there is of it takes the place of the next attempt
            raise
        fresh.replace(path)


def _store_memory(state: State, at: Seconds, file: IO[bytes]) -> None:
    arrays = {f"{part}.{field.name}": getattr(getattr(state, part), field.name) for part, field in _arrays(state)}
    names = json.dumps([key.names() for key in state.keys]).encode()
    about: dict[str, Any] = {
        "version": np.array(MEMORY_VERSION),
        "at": np.array(at),
        "names": np.frombuffer(names, np.uint8),
    }
    np.savez(file, **about, absent=state.absent, **arrays)


def _arrays(state: State) -> list[tuple[str, Any]]:
    return [(part, field) for part in ("memory", "held") for field in fields(getattr(state, part))]


def _with_memory(knowledge: Knowledge, path: Path) -> Knowledge:
    """Knowledge with the state that was stored, if it is of the same series."""
    state = knowledge.state
    assert state is not None
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        if (version := int(archive["version"])) != MEMORY_VERSION:
            raise OtherStateError(f"has version {version}, this one needs {MEMORY_VERSION}")
        names = json.loads(archive["names"].tobytes())
        keys = tuple(map(SeriesKey.of, names))
        if keys != state.keys:
            raise StateError("is not of the series of the baselines")
        parts = {
            part: replace(
                getattr(state, part),
                **{field.name: archive[f"{part}.{field.name}"] for field in fields(getattr(state, part))},
            )
            for part in ("memory", "held")
        }
        shapes = [
            (getattr(parts[part], f.name).shape, getattr(getattr(state, part), f.name).shape, f.name)
            for part, f in _arrays(state)
        ]
        absent = archive["absent"]
        shapes.append((absent.shape, state.absent.shape, "absent"))
        wrong = [name for found, needed, name in shapes if found != needed]
        if wrong:
            raise StateError(f"has arrays of other shapes: {', '.join(wrong)}")
        return replace(knowledge, state=State(keys, absent=absent, **parts), evaluated_at=float(archive["at"]))


def _document(knowledge: Knowledge) -> dict[str, Any]:
    book, sight = knowledge.book, knowledge.sight
    return {
        "version": VERSION,
        "told_at": knowledge.told_at,
        "services": [_incident_out(incident) for incident in book.services.values()],
        "sights": [_incident_out(incident) for incident in book.sights.values()],
        "resolved": [_incident_out(incident) for incident in book.resolved],
        "waiting": dict(book.waiting),
        "flaps": book.flaps,
        "episodes": [
            [key.service_name, key.signal, span.start, span.end, key.server]
            for key, spans in knowledge.episodes.items()
            for span in spans
        ],
        "feedback": [
            [name, sorted(verdict.services), sorted(verdict.signals), verdict.at, sorted(verdict.servers)]
            for name, verdict in knowledge.feedback.items()
        ],
        "homes": [
            [name, target.job, target.instance, at]
            for name, homes in sight.homes.items()
            for target, at in homes.items()
        ],
        "seen": [[target.job, target.instance, at] for target, at in sight.seen.items()],
        "scraped": [[target.job, target.instance] for target in sorted(sight.scraped)],
        "departed": dict(sight.departed),
    }


def _knowledge(data: bytes) -> Knowledge:
    document = json.loads(data)
    if not isinstance(document, dict) or not isinstance(document.get("version"), int):
        raise StateError("is not a state")
    if document["version"] != VERSION:
        raise OtherStateError(f"has version {document['version']}, this one needs {VERSION}")
    services = [_incident_in(one) for one in document["services"]]
    sights = [_incident_in(one) for one in document["sights"]]
    book = Book(
        services={incident.identity.service_name: incident for incident in services},
        sights={incident.identity.instance or PROMETHEUS: incident for incident in sights},
        resolved=tuple(_incident_in(one) for one in document["resolved"]),
        waiting={str(name): float(at) for name, at in document["waiting"].items()},
        flaps=int(document["flaps"]),
    )
    told_at = float(document["told_at"])
    return Knowledge(
        book=book,
        sight=_sight(document),
        episodes=_episodes(document),
        feedback=_feedback(document),
        told_at=told_at,
    )


def _feedback(document: dict[str, Any]) -> Feedback:
    rows = document.get("feedback", [])  # an earlier version had none
    return {
        # An earlier version knew no servers.
        str(name): Verdict(_texts(services), _texts(signals), float(at), *map(_texts, servers))
        for name, services, signals, at, *servers in rows
    }


def _texts(names: list[Any]) -> frozenset[str]:
    return frozenset(map(str, names))


def _episodes(document: dict[str, Any]) -> Episodes:
    found: dict[SeriesKey, tuple[Span, ...]] = {}
    for service_name, signal, start, end, *server in document["episodes"]:  # an earlier version knew no server
        key = SeriesKey.of((service_name, signal, *server))
        found[key] = (*found.get(key, ()), Span(float(start), float(end)))
    return found


def _sight(document: dict[str, Any]) -> Sight:
    homes: dict[str, dict[Target, Seconds]] = {}
    for name, job, instance, at in document["homes"]:
        homes.setdefault(str(name), {})[Target(str(job), str(instance))] = float(at)
    seen = {Target(str(job), str(instance)): float(at) for job, instance, at in document["seen"]}
    unknown = {target for targets in homes.values() for target in targets} - seen.keys()
    if unknown:
        raise StateError(f"has no sight of {min(unknown)}")
    return Sight(
        homes,
        seen,
        frozenset(Target(str(job), str(instance)) for job, instance in document["scraped"]),
        # An earlier version did not have it.
        {str(name): float(at) for name, at in document.get("departed", {}).items()},
    )


def _incident_out(incident: Incident) -> dict[str, Any]:
    plain = {
        name: getattr(incident, name) for name in ("starts_at", "phase", "phase_at", "unjudged_seconds", "reopened")
    }
    return {
        "identity": [getattr(incident.identity, field.name) for field in fields(Identity)],
        "findings": [_finding_out(finding) for finding in incident.findings],
        "affected": [_finding_out(finding) for finding in incident.affected],
        "background": None if incident.background is None else _background_out(incident.background),
        **plain,
    }


def _incident_in(document: dict[str, Any]) -> Incident:
    alertname, service_name, signal, instance, severity, *server = map(str, document["identity"])
    return Incident(
        # An earlier version knew no server.
        identity=Identity(alertname, service_name, signal, instance, Severity(severity), *server),
        starts_at=float(document["starts_at"]),
        phase=Phase(document["phase"]),
        phase_at=float(document["phase_at"]),
        unjudged_seconds=float(document["unjudged_seconds"]),
        reopened=int(document["reopened"]),
        findings=tuple(_finding_in(one) for one in document["findings"]),
        affected=tuple(_finding_in(one) for one in document["affected"]),
        background=_background_in(document.get("background")),  # an earlier version had none
    )


def _background_out(background: Background) -> list[Any]:
    changes = [[change.service_name, change.kind, change.at] for change in background.changes]
    return [background.asked_at, background.exhausted_at, changes]


def _background_in(row: list[Any] | None) -> Background | None:
    if row is None:
        return None
    asked_at, exhausted_at, changes = row
    known = tuple(Change(str(service_name), str(kind), float(at)) for service_name, kind, at in changes)
    return Background(float(asked_at), known, float(exhausted_at))


NUMBERS = ("at", "since", "score", "observed", "expected", "lower", "upper", "trend")


def _finding_out(finding: Finding) -> list[Any]:
    numbers = [getattr(finding, name) for name in NUMBERS]
    return [finding.key.service_name, finding.key.signal, finding.silent, *numbers, finding.key.server, finding.way]


def _finding_in(row: list[Any]) -> Finding:
    service_name, signal, silent, *rest = row
    # Earlier versions knew no trend, no server and no way.
    named = dict(zip(NUMBERS, map(float, rest[: len(NUMBERS)]), strict=False))
    server, way = rest[len(NUMBERS) :] or ("", Way.AWAY)
    return Finding(
        key=SeriesKey(str(service_name), str(signal), str(server)), silent=bool(silent), way=Way(way), **named
    )
