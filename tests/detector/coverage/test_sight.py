from dataclasses import replace

from detector.coverage.sight import FORGET_TARGET_SECONDS, Look, Sight, Target, look

A, B = Target("larimar", "a"), Target("larimar", "b")
BOTH = Look({"web": frozenset({A, B}), "db": frozenset({B})}, frozenset({A, B}), frozenset({A, B}), {A: 0.0, B: 0.0})
WINDOW = 120.0


def after(*looks: Look, start: float = 10_000.0, step: float = 60.0) -> tuple[Sight, float]:
    sight, at = Sight(), start
    for at, seen in enumerate(looks):
        sight = look(sight, seen, start + at * step, WINDOW)
    return sight, start + at * step


def test_a_service_is_seen_while_its_targets_are_scraped() -> None:
    sight, at = after(BOTH)
    assert sight.hidden(at) == frozenset()
    assert sight.unseen(at) == {}


def test_a_target_that_fails_hides_its_services_and_is_remembered() -> None:
    without = replace(BOTH, homes={"web": frozenset({A})}, unbroken=frozenset({A}))
    sight, at = after(BOTH, without, without)
    assert sight.hidden(at) == {"web", "db"}
    assert sight.unseen(at) == {"b": at - 120.0}


def test_a_service_that_vanishes_from_a_seen_target_is_not_hidden() -> None:
    sight, at = after(BOTH, replace(BOTH, homes={"web": frozenset({A, B})}))
    assert sight.hidden(at) == frozenset()


def test_a_restarted_exporter_hides_for_one_window() -> None:
    restarted = replace(BOTH, starts={A: 10_050.0, B: 0.0})
    sight, at = after(BOTH, restarted)
    assert sight.hidden(at) == {"web"}
    sight, at = after(BOTH, restarted, restarted, restarted)
    assert sight.hidden(at) == frozenset()


def test_a_target_taken_out_of_the_configuration_is_forgotten() -> None:
    only_a = Look({"web": frozenset({A})}, frozenset({A}), frozenset({A}), {})
    rounds = int(FORGET_TARGET_SECONDS // 60) + 1
    sight, at = after(BOTH, *[only_a] * rounds)
    assert sight.unseen(at) == {}
    assert sight.hidden(at) == frozenset()
    assert set(sight.homes) == {"web"}


def test_one_of_many_targets_out_of_sight_does_not_hide_a_service() -> None:
    many = frozenset(Target("larimar", f"host-{n}") for n in range(20))
    whole = Look({"web": many}, many, many, {})
    sight, at = after(whole, replace(whole, unbroken=many - {Target("larimar", "host-3")}))
    assert sight.hidden(at) == frozenset()
    assert set(sight.unseen(at)) == {"host-3"}


def test_series_without_a_target_are_seen_as_long_as_they_are_there() -> None:
    bare = Look({"web": frozenset({Target("", "")})}, frozenset(), frozenset(), {})
    sight, at = after(bare)
    assert sight.hidden(at) == frozenset()
    sight, at = after(bare, Look({}, frozenset(), frozenset(), {}))
    assert sight.hidden(at) == {"web"}


def test_services_leave_with_their_host_and_come_back_with_it() -> None:
    only_a = Look({"web": frozenset({A})}, frozenset({A}), frozenset({A}), {})
    rounds = int(FORGET_TARGET_SECONDS // 60) + 1
    sight, _ = after(BOTH, *[only_a] * rounds)
    assert set(sight.departed) == {"db"}
    sight, _ = after(BOTH, *[only_a] * rounds, BOTH)
    assert not sight.departed


def test_nothing_is_forgotten_that_nobody_could_see() -> None:
    nothing = Look({}, frozenset(), frozenset(), {})
    sight, at = after(BOTH, nothing, step=40 * 86_400.0)
    assert sight.hidden(at) == {"web", "db"}
    assert not sight.departed
