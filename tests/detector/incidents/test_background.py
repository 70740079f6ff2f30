import numpy as np
import pytest

from detector.incidents.background import changes_query, rises

_ = np.nan


@pytest.mark.parametrize(
    ("counts", "columns"),
    [
        ([2, 2, 3, 3, 5], [2, 4]),
        ([_, _, 1, 1], []),  # what it has at first is old
        ([_, 0, 1, 1], [2]),
        ([4, 4, 4], []),  # all of it was before
        ([3, _, _, 3], []),  # a gap
        ([3, _, 1, 1], [2]),  # the exporter began anew
        ([3, _, 0, 1], [3]),
        ([3, 2, 2], []),  # of several exporters one is away
        ([3, np.inf, 3], []),
        ([_, _], []),
    ],
)
def test_a_counter_tells_of_something_new_where_it_rises(counts: list[float], columns: list[int]) -> None:
    assert rises(np.array(counts, dtype=np.float64)) == columns


def test_services_are_asked_for_by_name_whatever_it_is() -> None:
    query = changes_query(["a.b", 'c"d'])
    assert 'service_name="a.b"' in query
    assert 'service_name="c\\"d"' in query
