from exporter.identity.facts import OTHER
from exporter.services.renames import FIRST_SECONDS, MAX_RENAMES, Renames

ONE, TWO = 10, 11


def same(_pid: int) -> bool:
    return True


def test_a_young_services_only_process_that_is_called_otherwise_takes_the_name_along() -> None:
    renames = Renames()
    renames.update({ONE: "detector"}, same, 0.0)

    assert renames.update({ONE: "larimar-detector"}, same, 5.0) == ["detector"]
    assert renames.known() == {"detector": "larimar-detector"}


def test_a_service_that_others_still_make_up_keeps_its_name() -> None:
    renames = Renames()
    renames.update({ONE: "shop", TWO: "shop"}, same, 0.0)

    assert renames.update({ONE: "till", TWO: "shop"}, same, 5.0) == []


def test_a_service_that_had_its_name_for_long_keeps_it() -> None:
    renames = Renames()
    renames.update({ONE: "shop"}, same, 0.0)

    assert renames.update({ONE: "till"}, same, FIRST_SECONDS + 1) == []


def test_a_process_that_ends_or_loses_its_place_renames_nothing() -> None:
    renames = Renames()
    renames.update({ONE: "shop", TWO: "till"}, same, 0.0)

    assert renames.update({TWO: OTHER}, same, 5.0) == []
    assert not renames.known()


def test_a_name_that_is_used_again_is_one() -> None:
    renames = Renames()
    renames.update({ONE: "detector"}, same, 0.0)
    renames.update({ONE: "larimar-detector"}, same, 5.0)
    renames.update({ONE: "larimar-detector", TWO: "detector"}, same, 6.0)

    assert not renames.known()


def test_what_is_remembered_is_bounded() -> None:
    renames = Renames()
    for number in range(3 * MAX_RENAMES):
        renames.update({ONE: f"name-{number}"}, same, 0.001 * number)

    assert len(renames.known()) == MAX_RENAMES


def test_another_process_with_the_number_of_one_that_ended_renames_nothing() -> None:
    renames = Renames()
    renames.update({ONE: "detector"}, same, 0.0)

    assert renames.update({ONE: "larimar-detector"}, lambda _pid: False, 5.0) == []
