from tests.contract import names


def test_names_within_strings_are_not_series() -> None:
    assert names.metrics('sum(rate(larimar_a_total{x="larimar_b"}[5m])) / larimar:c:d:rate5m') == {
        "larimar_a_total",
        "larimar:c:d:rate5m",
    }


def test_each_matcher_belongs_to_its_series() -> None:
    found = set(names.matched_labels('larimar_a{x="{", y!~"1"} + larimar_b{z=~"$z"}'))
    assert found == {("larimar_a", "x"), ("larimar_a", "y"), ("larimar_b", "z")}


def test_labels_that_a_query_makes_are_found() -> None:
    inner = 'label_replace(sum by (c) (x{a="1,2"}), "made", "$1", "c", "(.+)")'
    assert names.made_labels(f'label_join({inner}, "id", ">", "c", "d") + y') == {"made", "id"}
    assert names.made_labels('sum by (id) (x{a=","})') == frozenset()


def test_labels_of_aggregations_and_joins_are_found() -> None:
    assert names.grouped_labels("sum by (a, b) (x) / on (c) group_left (d) y and on () z") == {"a", "b", "c", "d"}
