"""The page from prepared labels is the reference's: sample for sample as parsers read it, mostly byte for byte."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client import samples as theirs
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from toolkit.exposition import MOST_KEPT, Exposition
from toolkit.families import Exemplar, Family, Part, counter, gauge, histogram, summary

OPEN = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3"
TEXT = "text/plain;version=0.0.4"
BOUNDS = ("0.005", "1.0", "+Inf")
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ['"', "\\", "\n", "\\n", 'a"} 1\nb{c="', "# HELP x", "", " ", "\r\n", "\x00", "a,b=c", "é\U0001f600"]
    ),
)
LABELS = st.lists(st.tuples(HOSTILE, HOSTILE), unique=True, max_size=6)
COUNT = st.integers(0, 2**63) | st.integers(0, 2**53).map(float)  # the reference reads no fraction of a count
NUMBER = st.floats() | st.integers(-(2**70), 2**70)
SMALL = st.floats(0, 999_999)
NAMES = ("service_name", "a_route")


class Given:
    """Families as a registry."""

    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def both(accept: str, *families: Metric) -> tuple[str, str]:
    """Return our page and prometheus_client's."""
    encode, content_type = choose_encoder(accept)
    body, told = Exposition().page(Given(*families), accept)
    assert told == content_type
    return body.decode(), encode(Given(*families)).decode()


def told(families: Iterable[Metric]) -> list[tuple[str, str, str, str, list[str]]]:
    """Return what a parser read, as text: NaN equals itself there."""
    return [
        (family.name, family.type, family.unit, family.documentation, [repr(sample) for sample in family.samples])
        for family in families
    ]


def told_alike(*families: Metric) -> None:
    ours, theirs = both(TEXT, *families)
    assert told(parse_text(ours)) == told(parse_text(theirs))
    ours, theirs = both(OPEN, *families)
    # Its parser of OpenMetrics has no types.
    assert told(parse_open(ours)) == told(parse_open(theirs))  # type: ignore[no-untyped-call]


def traced(labels: Sequence[tuple[str, str]], numbers: Sequence[float], trace: str, at: float | None) -> Family:
    """Return durations, the first of them with an exemplar in its second bucket."""
    family = histogram("shop_duration_seconds", 'What "took"\nlong \\.', NAMES, BOUNDS)
    for place, each in enumerate(labels):
        exemplars = {1: Exemplar({"trace_id": trace, "span_id": "7"}, 0.25, at)} if place == 0 else {}
        family.add_histogram(each, numbers, 12.5, exemplars)
    return family


@settings(max_examples=100, deadline=None)
@given(LABELS, st.lists(NUMBER, min_size=6, max_size=6), st.lists(COUNT, min_size=6, max_size=6))
def test_plain_families_are_read_as_the_references(
    labels: list[tuple[str, str]], numbers: list[float], counts: list[float]
) -> None:
    requests = counter("shop_requests_total", 'Requests, "all" of\nthem \\.', NAMES)
    level = gauge("shop_level", "Level.", NAMES)
    sizes = summary("shop_size_bytes", "Sizes.", NAMES)
    for each, number, count in zip(labels, numbers, counts, strict=False):
        requests.add(each, count)
        level.add(each, number)
        sizes.add_summary(each, count, count)
    told_alike(requests, level, sizes)


@settings(max_examples=60, deadline=None)
@given(LABELS, st.lists(COUNT, min_size=3, max_size=3), st.text("0123456789abcdef"), st.none() | st.floats(0, 2e9))
def test_histograms_and_exemplars_are_read_as_the_references(
    labels: list[tuple[str, str]], numbers: list[float], trace: str, at: float | None
) -> None:
    told_alike(traced(labels, numbers, trace, at))


@settings(max_examples=60, deadline=None)
@given(LABELS, SMALL, HOSTILE)  # the reference parser does not understand quotes in an exemplar
def test_numbers_below_a_million_are_written_as_the_reference_does(
    labels: list[tuple[str, str]], number: float, trace: str
) -> None:
    family = gauge("shop_level", "Level.", NAMES)
    for each in labels:
        family.add(each, number)
    for accept in (TEXT, OPEN, ""):
        ours, theirs = both(accept, family, traced(labels, (1.0, 2.0, 0.0), trace, 1.5))
        assert ours == theirs


def test_samples_are_those_that_were_added() -> None:
    one = theirs.Exemplar({"trace_id": "x", "span_id": "7"}, 0.25, 3.0)
    labels = {"service_name": "a", "a_route": "b"}
    assert traced([("a", "b")], (1, 2, 3), "x", 3.0).samples == [
        Sample("shop_duration_seconds_bucket", {**labels, "le": "0.005"}, 1),
        Sample("shop_duration_seconds_bucket", {**labels, "le": "1.0"}, 3, None, one),
        Sample("shop_duration_seconds_bucket", {**labels, "le": "+Inf"}, 6),
        Sample("shop_duration_seconds_count", labels, 6),
        Sample("shop_duration_seconds_sum", labels, 12.5),
    ]


def test_a_unit_is_told_in_openmetrics() -> None:
    family = Family("shop_wait_seconds", "Waiting.", "gauge", (), (Part(),), unit="seconds")
    family.add((), 1.5)
    ours, theirs = both(OPEN, family)
    assert ours == theirs
    assert "# UNIT shop_wait_seconds seconds\n" in ours


def test_other_families_and_when_they_were_created_are_the_references() -> None:
    registry = CollectorRegistry()
    Counter("demo_requests_total", "Requests.", ["way"], registry=registry).labels('"in"').inc(3, {"trace_id": "ab"})
    families = (traced([("a", "b")], (1, 2, 3), "x", None), *registry.collect())
    for accept in (TEXT, OPEN):
        ours, theirs = both(accept, *families)
        assert ours == theirs
        assert "demo_requests_created{" in ours


@pytest.mark.parametrize("escaping", ["dots", "values", "underscores", "allow-utf-8"])
def test_every_scheme_of_escaping_is_the_references(escaping: str) -> None:
    for kind in ("application/openmetrics-text;version=1.0.0", "text/plain;version=1.0.0"):
        ours, theirs = both(f"{kind};escaping={escaping}", traced([("a", "b")], (1, 2, 3), "x", None))
        assert ours == theirs


def test_bytes_that_are_no_text_are_told_apart_and_do_not_cost_the_page() -> None:
    family = gauge("shop_level", "Level.", ("service_name",))
    for raw in (b"\xff", b"\xfe"):
        family.add((raw.decode("utf-8", "surrogateescape"),), 1)
    page, _ = Exposition().page(Given(family), TEXT)
    (found,) = parse_text(page.decode())
    assert [sample.labels["service_name"] for sample in found.samples] == ["\\udcff", "\\udcfe"]


def test_prepared_labels_follow_the_series_that_come_and_go() -> None:
    exposition = Exposition()
    for first in range(0, 1000, 100):
        family = gauge("shop_level", "Level.", ("service_name",))
        for number in range(first, first + 150):
            family.add((str(number),), number)
        page, _ = exposition.page(Given(family), TEXT)
        assert page == choose_encoder(TEXT)[0](Given(family))
    assert exposition.prepared_labels <= 2 * 150 + 64 + 150


def test_of_too_many_series_nothing_is_kept_and_the_page_is_the_references() -> None:
    many = gauge("many", "M.", NAMES)
    for number in range(MOST_KEPT + 1):
        many.add((f"service {number} \\ é", "/a-b.c:d"), number / 3)
    exposition = Exposition()
    body, _ = exposition.page(Given(many), TEXT)
    assert exposition.prepared_labels == 0
    assert body == choose_encoder(TEXT)[0](Given(many))


def test_a_family_that_changes_its_labels_is_prepared_anew() -> None:
    exposition = Exposition()
    for names in (("a", "b"), ("b", "a")):
        family = gauge("shop_level", "Level.", names)
        family.add(("x", "y"), 1)
        assert exposition.page(Given(family), TEXT)[0] == choose_encoder(TEXT)[0](Given(family))


@pytest.mark.parametrize("series", [0, 4, 5, 9, 10, 11])
def test_points_are_left_out_whole(series: int) -> None:
    family = traced([("a", "b"), ("c", "d")], (1, 2, 3), "x", None)
    assert family.keep(series) == 10 - min(10, series // 5 * 5)
    assert len(family.samples) == len(family.numbers) == min(10, series // 5 * 5)
    told_alike(family)


def test_names_that_need_quotes_and_units_that_are_missing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'shop\.level' cannot name"):
        gauge("shop.level", "Level.", ())
    with pytest.raises(ValueError, match="'service-name' cannot name"):
        gauge("shop_level", "Level.", ("service-name",))
    with pytest.raises(ValueError, match="does not end in its unit 'bytes'"):
        Family("shop_level", "Level.", "gauge", (), (Part(),), unit="bytes")
