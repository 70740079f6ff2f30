from prometheus_client.core import Metric

from exporter.collectors.fingerprints import MAX_SHIFTS, fingerprint_families
from exporter.collectors.services import change_families, service_families
from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.judgement import ClassSource, Judgement
from exporter.fingerprint.profiles import Profile
from exporter.fingerprint.usual import Distance, Shift
from exporter.identity.facts import NameSource, ServiceClass, ServiceIdentity
from exporter.services.changes import ChangeKey
from exporter.services.deployment import Change

JUDGED = Judgement(ServiceClass.CACHE, 0.8, ClassSource.BEHAVIOUR)
VECTOR = (0.25, *(None for _ in NAMES[1:]))


def samples(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_a_dimension_that_is_not_known_or_never_was_above_zero_is_left_out() -> None:
    vector = (0.25, 0.0, 0.0, *(None for _ in NAMES[3:]))

    distance, shift, ratio = fingerprint_families({"kvd": Profile(vector, JUDGED, None, frozenset({0, 2}))})

    assert samples(ratio) == {("kvd", NAMES[0]): 0.25, ("kvd", NAMES[2]): 0.0}
    assert not distance.samples
    assert not shift.samples


def test_the_dimensions_that_moved_are_bounded() -> None:
    moved = [Shift(name, -4.0) for name in NAMES[:20]]

    distance, shift, _ = fingerprint_families({"kvd": Profile(VECTOR, JUDGED, Distance(3.5, moved))})

    assert samples(distance) == {("kvd",): 3.5}
    assert samples(shift) == {("kvd", name): -4.0 for name in NAMES[:MAX_SHIFTS]}


def test_the_class_is_the_programs_else_the_behaviours() -> None:
    services = {
        "kvd": ServiceIdentity("kvd", NameSource.EXECUTABLE),
        "web": ServiceIdentity("web", NameSource.SYSTEMD, known_class=ServiceClass.WEB),
        "new": ServiceIdentity("new", NameSource.EXECUTABLE),
    }

    info, confidence = service_families(services, {"kvd": Profile(VECTOR, JUDGED, None)})

    assert {labels[0]: labels[2] for labels in samples(info)} == {"kvd": "cache", "web": "web", "new": "unknown"}
    assert samples(confidence) == {("kvd", "cache", "behaviour"): 0.8}


def test_changes_are_counted_by_service_and_kind() -> None:
    (family,) = change_families({ChangeKey("shop", Change.RESTART): 2, ChangeKey("shop", Change.CONFIG): 0})

    assert samples(family) == {("shop", "restart"): 2, ("shop", "config"): 0}
