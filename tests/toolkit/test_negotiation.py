"""The format is the one that prometheus_client would choose."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder

from toolkit.negotiation import negotiate

KINDS = st.sampled_from(["application/openmetrics-text", "text/plain", "text/html", "*/*", "application/json", ""])
VERSIONS = st.sampled_from(["0.0.1", "0.0.4", "1", "1.0", "1.0.0", "1.0.1", "2.0.0", "10.2.3"])
PARAMETERS = st.one_of(
    VERSIONS.map("version={}".format),
    st.sampled_from(["dots", "values", "underscores", "allow-utf-8", "runes", ""]).map("escaping={}".format),
    st.sampled_from(["q=0.5", "charset=utf-8", "version", "=", " version=1.0.0", ""]),
)
ACCEPTED = st.builds(lambda kind, told: ";".join((kind, *told)), KINDS, st.lists(PARAMETERS, max_size=4))


@settings(max_examples=400, deadline=None)
@given(st.lists(ACCEPTED, max_size=3).map(",".join))
@example(
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
)
@example("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7")
def test_the_format_is_the_references(accept: str) -> None:
    assert negotiate(accept).content_type == choose_encoder(accept)[1]


def test_a_version_that_is_none_is_not_understood() -> None:
    for version in ("x", "1.0.0-rc", "1..0", "9" * 5000):
        assert negotiate(f"text/plain;version={version}").content_type == "text/plain; version=0.0.4; charset=utf-8"
