from exporter.fingerprint.activity import Amount, Holding, Reading
from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.judgement import ClassSource
from exporter.fingerprint.model import load
from exporter.fingerprint.profiles import RECALLED_SECONDS, RETAIN_SECONDS, Profile, Profiles
from exporter.fingerprint.remembered import read, written
from exporter.identity.facts import ServiceClass

IDLE = Reading({}, Holding(processes=1, threads=1, resident_bytes=1 << 24))


def busy(seconds: float, size: float = 100.0) -> Reading:
    amounts = {Amount.CPU_USER: 0.1 * seconds, Amount.SERVED: 50 * seconds, Amount.SPEAKS_KEYS: 50 * seconds}
    sizes = {Amount.REQUEST_BYTES: 1000 * seconds, Amount.RESPONSE_BYTES: 50 * size * seconds}
    return Reading({**amounts, **sizes}, IDLE.holding)


def test_a_service_is_judged_by_what_it_does_where_its_program_is_unknown() -> None:
    profiles = Profiles(load())
    for at in range(0, 120, 5):
        found = profiles.update({"kvd": busy(at), "web": IDLE}, {"web": ServiceClass.WEB}, float(at))

    assert found["kvd"].judgement.kind is ServiceClass.CACHE
    assert found["kvd"].judgement.source is ClassSource.BEHAVIOUR
    assert found["web"].judgement.kind is ServiceClass.WEB
    assert found["web"].judgement.source is ClassSource.PROGRAM


def test_without_a_model_only_programs_tell() -> None:
    found = Profiles(None).update({"kvd": IDLE, "web": IDLE}, {"web": ServiceClass.WEB}, 0.0)

    assert found["kvd"].judgement.kind is ServiceClass.UNKNOWN
    assert found["web"].judgement.kind is ServiceClass.WEB


def test_a_service_that_answers_otherwise_is_far_from_its_usual_self() -> None:
    profiles = Profiles(None, usual_seconds=60.0)
    for at in range(0, 300, 5):
        found = profiles.update({"kvd": busy(at)}, {}, float(at))
    assert found["kvd"].distance is not None
    assert not found["kvd"].distance.moved
    for at in range(300, 420, 5):
        found = profiles.update({"kvd": busy(at, size=9000.0)}, {}, float(at))

    assert found["kvd"].distance is not None
    assert found["kvd"].distance.moved[0].dimension == "response_size"


def followed(profiles: Profiles, begin: int, end: int, size: float = 100.0, ticks: int = 0) -> Profile:
    """Follow a service; what it did is counted since `ticks`."""
    for at in range(begin, end, 5):
        found = profiles.update({"kvd": busy(at - ticks, size)}, {}, float(at))
    return found["kvd"]


def test_the_usual_stays_that_of_a_service_over_its_restart() -> None:
    profiles = Profiles(None, usual_seconds=60.0)
    followed(profiles, 0, 600)
    for at in range(600, 660, 5):
        profiles.update({}, {}, float(at))  # nothing of it runs

    other = followed(profiles, 660, 780, size=9000.0)

    assert other.distance is not None
    assert other.distance.moved[0].dimension == "response_size"


def test_the_usual_outlives_the_exporter_and_is_compared_with_once_there_is_enough() -> None:
    before = Profiles(None, usual_seconds=60.0)
    followed(before, 0, 600)
    recalled = read(written(before.usual(), 1000.0), 1060.0)

    same, other = (Profiles(None, usual_seconds=60.0, recalled=recalled) for _ in range(2))

    assert followed(same, 0, int(RECALLED_SECONDS)).distance is None
    again = followed(same, int(RECALLED_SECONDS), int(RECALLED_SECONDS) + 60).distance
    assert again is not None
    assert not again.moved
    another = followed(other, 0, int(RECALLED_SECONDS) + 60, size=9000.0).distance
    assert another is not None
    assert another.moved[0].dimension == "response_size"


def test_what_is_usual_of_services_that_are_not_seen_again_is_kept() -> None:
    before = Profiles(None)
    followed(before, 0, 60)
    after = Profiles(None, recalled=before.usual())
    after.update({"web": IDLE}, {}, 0.0)

    assert after.usual().keys() == {"kvd", "web"}


def test_two_looks_at_once_are_one() -> None:
    profiles = Profiles(None)
    profiles.update({"kvd": busy(0)}, {}, 0.0)
    first = profiles.update({"kvd": busy(5)}, {}, 5.0)

    assert profiles.update({"kvd": busy(50)}, {}, 5.1)["kvd"] is first["kvd"]


def test_services_that_are_gone_are_forgotten_after_a_while() -> None:
    profiles = Profiles(None)
    for at in (0, 5):
        profiles.update({"kvd": busy(at)}, {}, float(at))
    assert not profiles.update({}, {}, 10.0)
    profiles.update({}, {}, 10.0 + RETAIN_SECONDS)

    again = profiles.update({"kvd": busy(9000)}, {}, 20.0 + RETAIN_SECONDS)

    assert again["kvd"].vector[NAMES.index("requests")] == 0.0
