from exporter.fingerprint.judgement import UNJUDGED, ClassSource, Judge
from exporter.identity.facts import ServiceClass

CACHE, WEB, PROXY = ServiceClass.CACHE, ServiceClass.WEB, ServiceClass.PROXY
UNKNOWN = ServiceClass.UNKNOWN
SURE = {CACHE: 0.9, WEB: 0.05, PROXY: 0.05}


def test_what_the_program_is_known_to_be_goes_before_behaviour() -> None:
    found = Judge().judge(WEB, SURE, 100.0)

    assert (found.kind, found.confidence, found.source) == (WEB, 1.0, ClassSource.PROGRAM)


def test_nothing_is_told_of_a_service_that_was_just_found() -> None:
    judge = Judge()

    assert judge.judge(UNKNOWN, SURE, 5.0) == UNJUDGED
    assert judge.judge(UNKNOWN, SURE, 20.0).kind is CACHE


def test_who_is_like_several_is_unknown() -> None:
    assert Judge().judge(UNKNOWN, {CACHE: 0.4, WEB: 0.35, PROXY: 0.25}, 100.0) == UNJUDGED


def test_a_moment_of_something_else_changes_nothing() -> None:
    judge = Judge()
    judge.judge(UNKNOWN, SURE, 300.0)

    found = judge.judge(UNKNOWN, {CACHE: 0.1, WEB: 0.8, PROXY: 0.1}, 5.0)

    assert found.kind is CACHE
    assert found.confidence < 0.9


def test_a_service_between_two_classes_keeps_the_one_that_was_told() -> None:
    judge = Judge()
    judge.judge(UNKNOWN, {CACHE: 0.55, WEB: 0.45, PROXY: 0.0}, 300.0)

    kinds = {
        judge.judge(UNKNOWN, {CACHE: share, WEB: 1 - share, PROXY: 0.0}, 60.0).kind
        for share in (0.4, 0.6, 0.4, 0.6, 0.4, 0.6)
    }

    assert kinds == {CACHE}


def test_what_lastingly_behaves_otherwise_is_classed_otherwise() -> None:
    judge = Judge()
    judge.judge(UNKNOWN, SURE, 300.0)

    for _ in range(10):
        found = judge.judge(UNKNOWN, {CACHE: 0.05, WEB: 0.9, PROXY: 0.05}, 60.0)

    assert found.kind is WEB
