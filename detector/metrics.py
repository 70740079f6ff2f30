"""The detector's own metrics."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from detector.baselines import Baselines, ModelState
from detector.clients.notifier import Tally
from detector.evaluation import Scores
from detector.incidents.feedback import Feedback, tolerance
from detector.incidents.incident import Book
from detector.model import Seconds, SeriesKey, Severity
from toolkit.families import gauge

BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0, 60.0)
SERIES = ("service_name", "signal", "server")  # of signals of calls alone there is a server
STATES = ("learning", "prior", "ready", "blind")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the newest evaluation left to be shown."""

    keys: tuple[SeriesKey, ...] = ()
    scores: Scores | None = None
    baselines: Baselines | None = None
    hidden: frozenset[str] = frozenset()
    feedback: Feedback = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    evaluated_at: Seconds = 0.0
    step: Seconds = 0.0


class Metrics:
    """Counts what happens, and shows the newest snapshot."""

    def __init__(self, version: str, tallies: Callable[[], Mapping[str, Tally]]) -> None:
        self.registry = CollectorRegistry()
        self.snapshot = Snapshot()
        self._version = version
        self._tallies = tallies
        self.evaluations = self._counter("evaluations", "Completed evaluations")
        self.failures = self._counter("evaluation_failures", "Failed evaluations, which are tried again")
        self.fits = self._counter("fits", "Fits of the baselines")
        self.fit_failures = self._counter("fit_failures", "Fits that failed because the history could not be read")
        self.feedback_failures = self._counter(
            "feedback_failures", "Failed attempts to read an Alertmanager's silences"
        )
        self.query_failures = self._counter("prometheus_query_failures", "Failed queries", ("reason",))
        self.skipped = self._counter("series_skipped", "Series left out of evaluations, by reason", ("reason",))
        self.suppressed = self._counter("suppressed", "Findings withheld, by reason", ("reason",))
        self.evaluation_seconds = self._histogram(
            "evaluation_duration_seconds", "Duration of an evaluation, end to end"
        )
        self.query_seconds = self._histogram("prometheus_query_duration_seconds", "Duration of a query")
        for reason in ("coverage", "flapping", "learning"):
            self.suppressed.labels(reason)
        for reason in ("transport", "refused", "partial", "malformed"):
            self.query_failures.labels(reason)
        self.registry.register(self)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"larimar_detector_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"larimar_detector_{name}", text, buckets=BUCKETS, registry=self.registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: what there is depends on the services."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Families of the newest snapshot."""
        snapshot = self.snapshot
        yield _build(self._version)
        yield from _series(snapshot)
        yield from _models(snapshot)
        yield from _notifications(self._tallies())
        yield _anomalies(snapshot.book)
        yield _tolerances(snapshot)
        yield GaugeMetricFamily(
            "larimar_detector_last_evaluation_timestamp_seconds",
            "Time of the last evaluation, in seconds since the epoch; 0 before the first",
            value=snapshot.evaluated_at,
        )
        yield GaugeMetricFamily("larimar_detector_series_tracked", "Series watched", value=float(len(snapshot.keys)))


def _build(version: str) -> Metric:
    family = InfoMetricFamily("larimar_detector_build", "The detector's version")
    family.add_metric((), {"version": version})
    return family


def _series(snapshot: Snapshot) -> Iterable[Metric]:
    if snapshot.scores is None:
        return
    labels = [(key.service_name, key.signal, key.server) for key in snapshot.keys]
    named = (
        ("anomaly_score", "Anomaly score of a signal; above 1 is anomalous", snapshot.scores.score),
        ("observed", "Observed value, in the signal's own unit", snapshot.scores.observed),
        ("expected", "Expected value, in the signal's own unit", snapshot.scores.expected),
        ("expected_lower", "Lower bound of the expected range, in the signal's own unit", snapshot.scores.lower),
        ("expected_upper", "Upper bound of the expected range, in the signal's own unit", snapshot.scores.upper),
    )
    for name, text, values in named:
        family = gauge(f"larimar_detector_{name}", text, SERIES)
        known = np.flatnonzero(~np.isnan(values))
        family.labels = [labels[row] for row in known]
        family.numbers = values[known].tolist()
        yield family


def _models(snapshot: Snapshot) -> Iterable[Metric]:
    states = GaugeMetricFamily(
        "larimar_detector_model_state",
        "1 for the state of a service's models: learning, prior (little history of its own), ready, blind (not seen)",
        labels=("service_name", "state"),
    )
    spans = GaugeMetricFamily(
        "larimar_detector_training_span_seconds",
        "Length of the history that the models were fitted to, at most",
        labels=("service_name",),
    )
    if snapshot.baselines is not None:
        for name, (state, samples) in sorted(_services(snapshot.baselines, snapshot.hidden).items()):
            for one in STATES:
                states.add_metric((name, one), float(one == state))
            spans.add_metric((name,), samples * snapshot.step)
    yield states
    yield spans


def _services(baselines: Baselines, hidden: frozenset[str]) -> dict[str, tuple[str, int]]:
    """The state of each service's best known series, and the most samples any was learnt from."""
    best: dict[str, tuple[int, int]] = {}
    for key, model, samples in zip(baselines.keys, baselines.models, baselines.samples, strict=True):
        code, most = best.get(key.service_name, (0, 0))
        best[key.service_name] = (max(code, int(model)), max(most, int(samples)))
    names = {int(ModelState.LEARNING): "learning", int(ModelState.LEVEL): "ready", int(ModelState.SEASONAL): "ready"}
    return {
        name: ("blind" if name in hidden else "prior" if not code and most else names[code], most)
        for name, (code, most) in best.items()
    }


def _notifications(tallies: Mapping[str, Tally]) -> Iterable[Metric]:
    sent = CounterMetricFamily(
        "larimar_detector_notifications",
        "Alerts that an Alertmanager accepted, repeats included",
        labels=("alertmanager",),
    )
    failed = CounterMetricFamily(
        "larimar_detector_notifications_failed", "Alerts that were not delivered, or refused", labels=("alertmanager",)
    )
    for url, tally in tallies.items():
        sent.add_metric((url,), tally.sent)
        failed.add_metric((url,), tally.failed)
    yield sent
    yield failed


def _anomalies(book: Book) -> Metric:
    family = GaugeMetricFamily("larimar_detector_active_anomalies", "Alerts that are firing", labels=("severity",))
    active = book.active()
    for severity in Severity:
        family.add_metric((severity,), float(sum(one.identity.severity is severity for one in active)))
    return family


def _tolerances(snapshot: Snapshot) -> Metric:
    family = GaugeMetricFamily(
        "larimar_detector_tolerance_ratio",
        "Factor by which a series may depart further, as silences called its alerts false; only where over 1",
        labels=SERIES,
    )
    factors = tolerance(snapshot.feedback, snapshot.keys)
    for row in np.flatnonzero(factors > 1.0):
        key = snapshot.keys[row]
        family.add_metric((key.service_name, key.signal, key.server), float(factors[row]))
    return family
