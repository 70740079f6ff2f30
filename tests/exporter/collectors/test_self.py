from exporter.collectors.self import Coverage, self_families
from tests.exporter.collectors.test_traffic import exposed

SEEN = Coverage(
    packets=10,
    dropped=2,
    sampling_ratio=1.0,
    malformed={"short": 3},
    flows_active=4,
    flows_evicted=5,
    inferred=16,
    unattributed=6,
    parse_errors={"redis": 7},
    estimated={"redis": 21},
    interfaces=10,
    refused_interfaces=11,
    method="ring",
    filter="classic",
    filter_reason="not permitted",
    misjudged=18,
    gap_bytes=19,
    flows_misplaced=20,
    hidden_processes=12,
    unowned_sockets=13,
    unsearched_processes=14,
    socket_failures=15,
    closings_lost=18,
    limited={"operation": 8},
    failures={"drain": 9},
    sampling_error=0.25,
    cpu_budget=0.05,
    cpu_seconds=16.0,
    unseen={"time": 17.5},
    capabilities={"capture": False, "sockets": True},
)
EXPOSED = {
    "larimar_build_info version=1.2.3": 1,
    "larimar_capture_packets_total": 10,
    "larimar_capture_packets_dropped_total": 2,
    "larimar_capture_sampling_ratio": 1,
    "larimar_capture_sampling_error_ratio": 0.25,
    "larimar_capture_cpu_budget_ratio": 0.05,
    "larimar_capture_cpu_seconds_total": 16,
    "larimar_capture_unseen_seconds_total reason=time": 17.5,
    "larimar_capture_method method=ring": 1,
    "larimar_capture_filter filter=classic reason=not permitted": 1,
    "larimar_capture_misjudged_total": 18,
    "larimar_flows_gap_bytes_total": 19,
    "larimar_flows_misplaced_total": 20,
    "larimar_capture_interfaces": 10,
    "larimar_capture_interfaces_refused": 11,
    "larimar_processes_hidden": 12,
    "larimar_sockets_unowned": 13,
    "larimar_processes_unsearched": 14,
    "larimar_socket_read_failures_total": 15,
    "larimar_socket_closings_lost_total": 18,
    "larimar_capture_malformed_total reason=short": 3,
    "larimar_flows_active": 4,
    "larimar_flows_evicted_total": 5,
    "larimar_flows_inferred_total": 16,
    "larimar_flows_unattributed_total": 6,
    "larimar_flows_estimated_messages_total protocol=redis": 21,
    "larimar_parse_errors_total protocol=redis": 7,
    "larimar_series_limited_total label=operation": 8,
    "larimar_loop_failures_total stage=drain": 9,
    "larimar_capability_available capability=capture": 0,
    "larimar_capability_available capability=sockets": 1,
}


def test_coverage_tells_what_was_seen_lost_and_not_allowed() -> None:
    assert exposed(self_families(SEEN, "1.2.3")) == EXPOSED


def test_without_capture_neither_a_method_nor_a_filter_is_named() -> None:
    named = exposed(self_families(Coverage(), "1.2.3"))
    assert not [series for series in named if series.startswith(("larimar_capture_method", "larimar_capture_filter"))]
