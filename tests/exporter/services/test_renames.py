from exporter.identity.facts import OTHER
from exporter.services.deployment import Start
from exporter.services.renames import FIRST_SECONDS, MAX_RENAMES, Renames

ONE, TWO = Start(10, 1), Start(11, 1)


def test_a_young_services_only_process_that_is_called_otherwise_takes_the_name_along() -> None:
    renames = Renames()
    renames.update({ONE: "detector"}, 0.0)

    assert renames.update({ONE: "larimar-detector"}, 5.0) == ["detector"]
    assert renames.known() == {"detector": "larimar-detector"}


def test_a_service_that_others_still_make_up_keeps_its_name() -> None:
    renames = Renames()
    renames.update({ONE: "shop", TWO: "shop"}, 0.0)

    assert renames.update({ONE: "till", TWO: "shop"}, 5.0) == []


def test_a_service_that_had_its_name_for_long_keeps_it() -> None:
    renames = Renames()
    renames.update({ONE: "shop"}, 0.0)

    assert renames.update({ONE: "till"}, FIRST_SECONDS + 1) == []


def test_a_process_that_ends_or_loses_its_place_renames_nothing() -> None:
    renames = Renames()
    renames.update({ONE: "shop", TWO: "till"}, 0.0)

    assert renames.update({TWO: OTHER}, 5.0) == []
    assert not renames.known()


def test_a_name_that_is_used_again_is_one() -> None:
    renames = Renames()
    renames.update({ONE: "detector"}, 0.0)
    renames.update({ONE: "larimar-detector"}, 5.0)
    renames.update({ONE: "larimar-detector", TWO: "detector"}, 6.0)

    assert not renames.known()


def test_what_is_remembered_is_bounded() -> None:
    renames = Renames()
    for number in range(3 * MAX_RENAMES):
        renames.update({ONE: f"name-{number}"}, 0.001 * number)

    assert len(renames.known()) == MAX_RENAMES
