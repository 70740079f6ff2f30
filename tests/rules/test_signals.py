"""What the shipped signals' PromQL makes of metrics, as Prometheus' own tool evaluates it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from detector.incidents.background import changes_query
from detector.novelty import HOMES
from detector.signals import SHIPPED, load, of_services, with_window
from exporter.services.histogram import BOUNDS_SECONDS
from quickstart.debian import Tree
from tests.rules.test_promtool import said

pytestmark = pytest.mark.live

SIGNALS = {signal.name: signal for signal in load((SHIPPED,))}
# A day and four hours of old, in which there is nothing new, and two hours with it.
BEFORE, AFTER = 28 * 60, 2 * 60
OLD = f"0+60x{BEFORE + AFTER}"  # one a second
NEW = f"_x{BEFORE} 0+120x{AFTER}"  # two a second
SHORTLY, LATER = BEFORE + 10, BEFORE + 90

HTTP = 'larimar_http_requests_total{{service_name="shop",role="server",status_class="{}"}}'
DNS = "larimar_dns_{}_total{{service_name='shop',role='client'{}}}"
CALLS = 'larimar_edge_requests_total{{client="shop",server="{}",protocol="http"}}'
SYSTEM_CALLS = 'larimar_service_syscalls_total{{service_name="shop",syscall="{}"}}'
HERE = 'service_name="shop",job="larimar",instance="a"'
STARTED = f"larimar_service_start_time_seconds{{{HERE}}}"
MEMORY, MEMORY_LIMIT = (f"larimar_service_memory_{name}_bytes{{{HERE}}}" for name in ("resident", "limit"))
CONNECTS = 'larimar_edge_connects_total{client="shop",server="db"}'
REFUSED = 'larimar_edge_connect_failures_total{client="shop",server="db",reason="refused"}'
TO_DB = '{service_name="shop",client="shop",server="db"}'
CACHE = 'larimar_cache_{}_total{{service_name="shop",role="server",db_system="redis"}}'
PRESSED = 'larimar_service_pressure_waiting_seconds_total{{service_name="shop",resource="{}"}}'
BYTES = 'larimar_service_{}_bytes_total{{service_name="shop"}}'
SOCKETS = 'larimar_tcp_connections{{service_name="shop",role="server",state="{}"}}'
SLOWER = {bound: 60.0 if bound > 6 else 30.0 for bound in BOUNDS_SECONDS if bound > 0.01}
TYPICAL = {
    f'larimar_request_duration_seconds_bucket{{service_name="shop",role="server",le="{bound}"}}': f"0+{rate:g}x9"
    for bound, rate in {**dict.fromkeys(BOUNDS_SECONDS, 0.0), **SLOWER}.items()
} | {'larimar_request_duration_seconds_count{service_name="shop",role="server"}': "0+60x9"}
TURNS = 'larimar_inferred_response_seconds_{}{{service_name="shop",role="server",protocol="tls"}}'
FDS = f"larimar_service_open_fds_limit_ratio{{{HERE}}}"

DISK_LABELS = '{service_name="h:9100 /"}'
AVAILABLE, DISK = (
    f'node_filesystem_{name}_bytes{{instance="h:9100",mountpoint="/",device="d",fstype="ext4"}}'
    for name in ("avail", "size")
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is expected of a signal of `shop` at a minute; None: no sample."""

    name: str
    signal: str
    series: dict[str, str]
    minute: int
    expected: float | None
    labels: str = '{service_name="shop"}'


CASES = (
    Case("known", "new_errors", {HTTP.format("2xx"): OLD, HTTP.format("4xx"): OLD}, SHORTLY, 0.0),
    Case("new", "new_errors", {HTTP.format("2xx"): OLD, HTTP.format("5xx"): NEW}, SHORTLY, 2.0),
    Case("no longer new", "new_errors", {HTTP.format("2xx"): OLD, HTTP.format("5xx"): NEW}, LATER, 0.0),
    Case("new service", "new_errors", {HTTP.format("2xx"): NEW, HTTP.format("5xx"): NEW}, SHORTLY, None),
    Case(
        "new failure of DNS",
        "new_errors",
        {DNS.format("queries", ""): OLD, DNS.format("failures", ",rcode='SERVFAIL'"): NEW},
        SHORTLY,
        2.0,
    ),
    Case("known", "new_dependencies", {CALLS.format("db"): OLD, CALLS.format("cache"): OLD}, SHORTLY, 0.0),
    Case("new", "new_dependencies", {CALLS.format("db"): OLD, CALLS.format("cache"): NEW}, SHORTLY, 2.0),
    Case("no longer new", "new_dependencies", {CALLS.format("db"): OLD, CALLS.format("cache"): NEW}, LATER, 0.0),
    Case("without a name", "new_dependencies", {CALLS.format("db"): OLD, CALLS.format("~other"): NEW}, SHORTLY, 0.0),
    Case("new service", "new_dependencies", {CALLS.format("db"): NEW}, SHORTLY, None),
    Case("known", "new_system_calls", {SYSTEM_CALLS.format("read"): OLD}, SHORTLY, 0.0),
    Case(
        "new", "new_system_calls", {SYSTEM_CALLS.format("read"): OLD, SYSTEM_CALLS.format("ptrace"): NEW}, SHORTLY, 2.0
    ),
    Case(
        "rest", "new_system_calls", {SYSTEM_CALLS.format("read"): OLD, SYSTEM_CALLS.format("~other"): NEW}, SHORTLY, 0.0
    ),
    # 100 of 1000 bytes, and from the third hour on 4 more a minute: 340 after an hour of it, 1300 in four more.
    Case("still", "memory_exhaustion", {STARTED: "0x999", MEMORY: "100x999", MEMORY_LIMIT: "1000x999"}, 300, 0.0),
    Case(
        "slow",
        "memory_exhaustion",
        {STARTED: "0x999", MEMORY: "100x180 100+2x600", MEMORY_LIMIT: "1000x999"},
        241,
        0.0,
    ),
    Case(
        "fast",
        "memory_exhaustion",
        {STARTED: "0x999", MEMORY: "100x180 100+4x600", MEMORY_LIMIT: "1000x999"},
        241,
        1.3,
    ),
    Case("just started", "memory_exhaustion", {STARTED: "0x99", MEMORY: "100+9x99", MEMORY_LIMIT: "1000x99"}, 90, 0.0),
    Case("without a limit", "memory_exhaustion", {STARTED: "0x999", MEMORY: "100+9x999"}, 300, None),
    Case("still", "open_fds_exhaustion", {STARTED: "0x999", FDS: "0.5x999"}, 300, 0.0),
    Case("fast", "open_fds_exhaustion", {STARTED: "0x999", FDS: "0.5x180 0.5+0.00390625x600"}, 241, 1.671875),
    Case("used", "disk_used", {AVAILABLE: "250x9", DISK: "1000x9"}, 5, 0.75, DISK_LABELS),
    Case(
        "no disk",
        "disk_used",
        {AVAILABLE.replace("ext4", "tmpfs"): "5x9", DISK.replace("ext4", "tmpfs"): "9x9"},
        5,
        None,
    ),
    Case("still", "disk_exhaustion", {AVAILABLE: "900x999", DISK: "1000x999"}, 300, 0.0, DISK_LABELS),
    Case("slow", "disk_exhaustion", {AVAILABLE: "900x180 900-2x600", DISK: "1000x999"}, 241, 0.0, DISK_LABELS),
    Case("fast", "disk_exhaustion", {AVAILABLE: "900x180 900-4x600", DISK: "1000x999"}, 241, 1.3, DISK_LABELS),
    Case("none is refused", "failed_connects", {CONNECTS: "0+60x9"}, 5, 0.0, TO_DB),
    Case("half are refused", "failed_connects", {CONNECTS: "0+60x9", REFUSED: "0+60x9"}, 5, 0.5, TO_DB),
    Case("all are refused", "failed_connects", {REFUSED: "0+60x9"}, 5, 1.0, TO_DB),
    Case("few", "failed_connects", {CONNECTS: "0+1x9"}, 5, None),
    Case("half are found", "cache_hits", {CACHE.format("gets"): "0+120x9", CACHE.format("hits"): "0+60x9"}, 5, 0.5),
    Case("none is found", "cache_hits", {CACHE.format("gets"): "0+120x9"}, 5, 0.0),
    Case("the worse of two", "pressure", {PRESSED.format("io"): "0+6x9", PRESSED.format("memory"): "0+30x9"}, 5, 0.5),
    Case("of the CPU", "pressure", {PRESSED.format("io"): "0+6x9", PRESSED.format("cpu"): "0+30x9"}, 5, 0.1),
    Case(
        "both ways",
        "network",
        {BYTES.format("network_receive"): "0+60x9", BYTES.format("network_transmit"): "0+60x9"},
        5,
        2.0,
    ),
    Case("both ways", "disk", {BYTES.format("disk_read"): "0+60x9", BYTES.format("disk_written"): "0+60x9"}, 5, 2.0),
    Case(
        "open ones", "connections", {SOCKETS.format("established"): "5x9", SOCKETS.format("time_wait"): "9x9"}, 5, 5.0
    ),
    # Half of the requests take 10 to 16 ms and half 2.5 to 6.3 s: in the middle between their logarithms lies 0.2 s.
    Case("of all", "latency_typical", TYPICAL, 5, 10 ** (1.7 - (0.2 * 5 + 0.4 * 3.5))),
    Case("mean", "inferred_latency", {TURNS.format("sum"): "0+30x9", TURNS.format("count"): "0+60x9"}, 5, 0.5),
)
REMAINING = (
    Case("falling", "disk_exhaustion", {AVAILABLE: "900+1x600", DISK: "1000x999"}, 241, None, DISK_LABELS),
    Case("filling", "disk_exhaustion", {AVAILABLE: "900x180 900-4x600", DISK: "1000x999"}, 241, 9900.0, DISK_LABELS),
    Case("filling", "disk_used", {AVAILABLE: "900x180 900-4x600", DISK: "1000x999"}, 241, 9900.0, DISK_LABELS),
    Case("just started", "memory", {STARTED: "0x99", MEMORY: "100+9x99", MEMORY_LIMIT: "1000x99"}, 90, None),
    Case(
        "fast",
        "memory",
        {STARTED: "0x999", MEMORY: "100x180 100+4x600", MEMORY_LIMIT: "1000x999"},
        241,
        660 / 240 * 3600,
    ),
    Case("fast", "open_fds", {STARTED: "0x999", FDS: "0.5x180 0.5+0.00390625x600"}, 241, 4080.0),
    Case("fast", "memory_exhaustion", {MEMORY: "100x180 100+4x600", MEMORY_LIMIT: "1000x999"}, 241, 660 / 240 * 3600),
    Case("falling", "memory_exhaustion", {MEMORY: "900x180 900-1x600", MEMORY_LIMIT: "1000x999"}, 241, None),
    Case("fast", "open_fds_exhaustion", {FDS: "0.5x180 0.5+0.00390625x600"}, 241, 4080.0),
)


KINDS = (
    Case("before", "new_errors", {HTTP.format("2xx"): OLD, HTTP.format("5xx"): NEW}, BEFORE - 10, 1.0),
    Case("after", "new_errors", {HTTP.format("2xx"): OLD, HTTP.format("5xx"): NEW}, SHORTLY, 2.0),
    Case(
        "after a failure of DNS",
        "new_errors",
        {DNS.format("queries", ""): OLD, DNS.format("failures", ",rcode='SERVFAIL'"): NEW},
        SHORTLY,
        2.0,
    ),
    Case("after", "new_dependencies", {CALLS.format("db"): OLD, CALLS.format("cache"): NEW}, SHORTLY, 2.0),
    Case(
        "after",
        "new_system_calls",
        {SYSTEM_CALLS.format("read"): OLD, SYSTEM_CALLS.format("ptrace"): NEW},
        SHORTLY,
        2.0,
    ),
)


@pytest.mark.parametrize("case", KINDS, ids=lambda case: f"{case.signal}: {case.name}")
def test_what_a_service_does_is_counted(tree: Tree, tmp_path: Path, case: Case) -> None:
    assert_says(tree, tmp_path, case, SIGNALS[case.signal].kinds)


@pytest.mark.parametrize("case", [case for case in CASES if case.name == "new"], ids=lambda case: case.signal)
@pytest.mark.parametrize("names", [("a.b", "shop"), ("other",)], ids=["among others", "not asked for"])
def test_services_are_asked_for_by_name(tree: Tree, tmp_path: Path, case: Case, names: tuple[str, ...]) -> None:
    query = of_services(SIGNALS[case.signal].query, 120.0, names)
    assert_says(tree, tmp_path, case if "shop" in names else replace(case, expected=None), query)


def test_a_count_changes_with_the_exporters_that_do_it(tree: Tree, tmp_path: Path) -> None:
    series = {f"larimar_service_info{{{HERE}}}": "1x999"}
    for instance in ("a", "b"):
        started = f'process_start_time_seconds{{job="larimar",instance="{instance}"}}'
        series[started] = "1700000000.4x10 1800000000.7x900"
    assert_says(tree, tmp_path, Case("", "", series, 5, 1.7e9), HOMES)
    assert_says(tree, tmp_path, Case("", "", series, 15, 1.800000001e9), HOMES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.signal}: {case.name}")
def test_a_signal_says_what_it_should(tree: Tree, tmp_path: Path, case: Case) -> None:
    assert_says(tree, tmp_path, case, SIGNALS[case.signal].query)


@pytest.mark.parametrize("case", REMAINING, ids=lambda case: f"{case.signal}: {case.name}")
def test_what_is_left_until_a_limit_is_what_the_last_hour_leaves(tree: Tree, tmp_path: Path, case: Case) -> None:
    assert_says(tree, tmp_path, case, SIGNALS[case.signal].remaining)


def assert_says(tree: Tree, tmp_path: Path, case: Case, query: str) -> None:
    expected = [] if case.expected is None else [{"labels": case.labels, "value": case.expected}]
    document = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "promql_expr_test": [
                    {
                        "expr": with_window(query, 120.0),
                        "eval_time": f"{case.minute}m",
                        "exp_samples": expected,
                    }
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(document))
    assert "SUCCESS" in said(tree, "promtool", "test", "rules", file)


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_every_signal_is_promql(tree: Tree, tmp_path: Path, name: str) -> None:
    signal = SIGNALS[name]
    known = (signal.query, signal.counts, signal.remaining, signal.kinds, HOMES, changes_query([name, 'a"b']))
    queries = [with_window(query, 120.0) for query in known if query]
    tests = [{"expr": query, "eval_time": "1m", "exp_samples": []} for query in queries]
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"tests": [{"interval": "1m", "promql_expr_test": tests}]}))
    assert "SUCCESS" in said(tree, "promtool", "test", "rules", file)
