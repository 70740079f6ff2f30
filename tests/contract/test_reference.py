from tests.contract import reference
from tests.contract.exposition import GOLDEN


def test_the_page_of_metrics_is_up_to_date() -> None:
    page = reference.PAGE.read_text()
    assert page == reference.page(GOLDEN.read_text()), "run `python -m tests.contract.reference`"


def test_a_metric_stands_in_the_narrowest_section_with_its_labels() -> None:
    page = reference.page(
        "# HELP larimar_a_total What happened.\n# TYPE larimar_a_total counter\n"
        'larimar_a_total{service_name="shop",role="server"} 1\n'
        "# HELP larimar_detector_b What is.\n# TYPE larimar_detector_b gauge\nlarimar_detector_b 1\n"
    )
    sections = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    assert (
        "| `larimar_a_total` | counter | `role`, `service_name` | What happened. |" in sections["The exporter itself"]
    )
    assert "| `larimar_detector_b` | gauge |  | What is. |" in sections["The detector"]
