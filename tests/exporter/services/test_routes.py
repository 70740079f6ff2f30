import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from exporter.services.routes import MAX_PLACES, MAX_TRIED, MAX_WORDS, NO_ROUTE, Routes

WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=12)


def asked(routes: Routes, *outlines: str, succeeded: bool = True) -> list[str]:
    return [routes.route(outline, succeeded).name for outline in outlines]


def names(seed: int, count: int) -> list[str]:
    """Return so many words that no list has."""
    dice = random.Random(seed)
    return ["q" + "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(count)]


def test_words_that_paths_are_made_of_are_believed_at_once() -> None:
    assert asked(Routes(), "/", "/api/v1/orders/{id}", "/checkout") == ["/", "/api/v1/orders/{id}", "/checkout"]


def test_what_follows_the_name_of_a_kind_of_things_is_one_of_them() -> None:
    routes = Routes()
    assert asked(routes, "/products/blue-suede-shoes/reviews/{id}") == ["/products/{slug}/reviews/{id}"]
    assert asked(routes, "/gadgets/widgetron", "/user/alice") == ["/{slug}/{slug}", "/user/{slug}"]


def test_another_word_gets_a_place_once_it_was_asked_for_often_enough() -> None:
    routes = Routes()
    told = asked(routes, *["/zorblax/search"] * 5)
    assert told == ["/{slug}/search", "/{slug}/search", "/zorblax/search", "/zorblax/search", "/zorblax/search"]


def test_too_many_words_beside_each_other_are_a_parameter_and_those_before_keep_their_names() -> None:
    routes = Routes()
    asked(routes, *["/zorblax"] * 10)
    people = names(1, 3 * MAX_TRIED)
    told = asked(routes, *(f"/{name}" for name in people * 100))
    assert set(told) == {"/{slug}"}
    assert asked(routes, "/zorblax") == ["/zorblax"]


def test_many_that_are_asked_for_often_from_the_start_are_a_parameter_as_well() -> None:
    routes = Routes()
    people = names(2, MAX_WORDS * 3)
    dice = random.Random(3)
    told = Counter(asked(routes, *(f"/{dice.choice(people)}" for _ in range(20_000))))
    assert told["/{slug}"] > 19_500


def test_what_never_succeeded_is_no_route() -> None:
    routes = Routes()
    scanned = [f"/{name}/admin.php" for name in names(4, 1000)] + ["/api/orders", "/{id}", "/.env"]
    assert {routes.route(path, succeeded=False) for path in scanned} == {NO_ROUTE}
    assert asked(routes, "/api/orders") == ["/api/orders"]
    assert asked(routes, "/api/orders", "/api", succeeded=False) == ["/api/orders", ""]


def test_a_failure_of_a_route_is_that_routes() -> None:
    routes = Routes()
    asked(routes, "/users/alice", "/users/{id}")
    assert asked(routes, "/users/bob", "/users/{id}", succeeded=False) == ["/users/{slug}", "/users/{id}"]


def test_topics_are_told_apart_by_full_stops_or_slashes() -> None:
    routes = Routes(topics=True)
    assert asked(routes, *["orders.created.{id}"] * 5)[-1] == "orders.created.{id}"
    assert asked(routes, *["sensors/{id}/temperature"] * 9)[-1] == "sensors/{id}/temperature"


@given(st.lists(st.tuples(st.lists(WORD, max_size=4), st.booleans()), max_size=60))
def test_a_settled_route_keeps_its_name_and_names_itself(paths: list[tuple[list[str], bool]]) -> None:
    routes, settled = Routes(), dict[str, str]()
    for parts, succeeded in paths * 3:
        outline = "/" + "/".join(parts)
        route = routes.route(outline, succeeded)
        assert settled.get(outline, route.name) == route.name
        if route.settled:
            settled[outline] = route.name
            assert routes.route(route.name, succeeded=False).name == route.name


def test_the_tree_is_bounded_whatever_is_asked() -> None:
    routes = Routes()
    dice = random.Random(5)
    words = names(6, 5000)
    told = {route for _ in range(30_000) for route in asked(routes, "/" + "/".join(dice.choices(words, k=4)))}
    assert len(told) < MAX_PLACES
    assert routes.places < MAX_PLACES + 1
