"""How well the exporter sees: what it captured, lost, could not attribute and may not do."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.families import Family, counter, gauge, single


@dataclass(frozen=True, slots=True)
class Coverage:
    """The exporter's own counts at one moment.

    Attributes:
        packets: what the kernel offered to the capture, kept or not.
        dropped: of these, what the kernel dropped because the ring was full.
        sampling_ratio: share of the traffic that was looked at recently; 0 without capture.
        sampling_error: standard error of the last minute's counts, relative; 0 while everything is looked at.
        cpu_budget: share of one processor that may be used.
        cpu_seconds: processor time that the capture has used.
        unseen: seconds of traffic that were not looked at to stay within the budget, by what was given up.
        malformed: reason -> packets that could not be read.
        flows_active: connections followed now.
        flows_evicted: connections given up because the flow table was full.
        inferred: connections whose client was inferred, as they were over before any look at the sockets.
        unattributed: connections of which an end on this host was not found.
        parse_errors: protocol -> connections whose bytes turned out not to be it.
        interfaces, refused_interfaces: captured now, and up but not captured.
        method: how packets are captured; empty where they are not.
        filter, filter_reason: what the kernel does before it copies them, and why that and nothing else.
        misjudged: long packets of which the head was copied, and more was needed.
        gap_bytes: that parsers needed and did not get: lost, dropped, not looked at or not copied.
        estimated: protocol -> messages that only the lengths of packets tell of, which were not copied whole.
        flows_misplaced: slots of the flow table that were freed without being found in its index.
        hidden_processes: listed, but not to be read.
        unowned_sockets: whose process was not found.
        unsearched_processes: still to be looked through for the owners of sockets.
        socket_failures: how often the sockets could not be read.
        closings_lost: how often notices of closed sockets were lost.
        limited: label -> how often one of its values was folded into `~other`.
        failures: stage of the loop -> failed rounds.
        capabilities: what may or may not be done here.
    """

    packets: int = 0
    dropped: int = 0
    sampling_ratio: float = 0.0
    sampling_error: float = 0.0
    cpu_budget: float = 0.0
    cpu_seconds: float = 0.0
    unseen: Mapping[str, float] = field(default_factory=dict)
    malformed: Mapping[str, int] = field(default_factory=dict)
    flows_active: int = 0
    flows_evicted: int = 0
    inferred: int = 0
    unattributed: int = 0
    parse_errors: Mapping[str, int] = field(default_factory=dict)
    interfaces: int = 0
    refused_interfaces: int = 0
    method: str = ""
    filter: str = ""
    filter_reason: str = ""
    misjudged: int = 0
    gap_bytes: int = 0
    estimated: Mapping[str, int] = field(default_factory=dict)
    flows_misplaced: int = 0
    hidden_processes: int = 0
    unowned_sockets: int = 0
    unsearched_processes: int = 0
    socket_failures: int = 0
    closings_lost: int = 0
    limited: Mapping[str, float] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    capabilities: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Number:
    """A family of one sample; a counter where its name ends in `_total`, else a gauge."""

    name: str
    documentation: str
    value: Callable[[Coverage], float]

    def family(self, coverage: Coverage) -> Family:
        """Return the family with its value."""
        return single(self.name, self.documentation, self.value(coverage))


@dataclass(frozen=True, slots=True)
class Counts:
    """A family of counters, one for each value of a label."""

    name: str
    documentation: str
    label: str
    values: Callable[[Coverage], Mapping[str, float]]

    def family(self, coverage: Coverage) -> Family:
        """Return the family with its values, sorted by label."""
        family = counter(self.name, self.documentation, labels=(self.label,))
        for value, count in sorted(self.values(coverage).items()):
            family.add((value,), count)
        return family


@dataclass(frozen=True, slots=True)
class Facts:
    """A family of one sample that is always 1 and tells by its labels; it has none where the first label is empty."""

    name: str
    documentation: str
    labels: tuple[str, ...]
    values: Callable[[Coverage], tuple[str, ...]]

    def family(self, coverage: Coverage) -> Family:
        """Return the family with its sample."""
        family = gauge(self.name, self.documentation, labels=self.labels)
        values = self.values(coverage)
        if values[0]:
            family.add(values, 1)
        return family


FAMILIES: tuple[Number | Counts | Facts, ...] = (
    Number(
        "larimar_capture_packets_total",
        "Packets that the kernel offered to the capture, kept or not.",
        lambda seen: seen.packets,
    ),
    Number(
        "larimar_capture_packets_dropped_total",
        "Packets that the kernel dropped because the ring was full.",
        lambda seen: seen.dropped,
    ),
    Number(
        "larimar_capture_sampling_ratio",
        "Share of the traffic that was read in the last half minute; counts are scaled by it. 0 without capture.",
        lambda seen: seen.sampling_ratio,
    ),
    Number(
        "larimar_capture_sampling_error_ratio",
        "Relative standard error of the last minute's number of requests. 0 while all packets are read.",
        lambda seen: seen.sampling_error,
    ),
    Number(
        "larimar_capture_cpu_budget_ratio",
        "CPU cores that the exporter may use before it samples packets.",
        lambda seen: seen.cpu_budget,
    ),
    Number(
        "larimar_capture_cpu_seconds_total",
        "CPU time used to read packets.",
        lambda seen: seen.cpu_seconds,
    ),
    Counts(
        "larimar_capture_unseen_seconds_total",
        "Seconds of traffic that were not read, to stay within the CPU budget, by what was given up: the operations of "
        "most requests, all packets during random slices of time, or most flows.",
        "reason",
        lambda seen: seen.unseen,
    ),
    Counts(
        "larimar_capture_malformed_total",
        "Packets that could not be decoded, by reason.",
        "reason",
        lambda seen: seen.malformed,
    ),
    Facts(
        "larimar_capture_method",
        "Always 1; how packets are captured: by an eBPF program (bpf), packet sockets (ring), or, far slower, scapy.",
        ("method",),
        lambda seen: (seen.method,),
    ),
    Facts(
        "larimar_capture_filter",
        "Always 1; the kernel's filter, ebpf or classic, and why: best, asked for, or what speaks against eBPF.",
        ("filter", "reason"),
        lambda seen: (seen.filter, seen.filter_reason),
    ),
    Number(
        "larimar_capture_misjudged_total",
        "Long packets that were cut short, like others from that server, although more of them was needed.",
        lambda seen: seen.misjudged,
    ),
    Number(
        "larimar_capture_interfaces",
        "Network interfaces captured.",
        lambda seen: seen.interfaces,
    ),
    Number(
        "larimar_capture_interfaces_refused",
        "Network interfaces that are up but not captured: no ring could be opened, or its memory is used up.",
        lambda seen: seen.refused_interfaces,
    ),
    Number(
        "larimar_flows_active",
        "Connections in the flow table.",
        lambda seen: seen.flows_active,
    ),
    Number(
        "larimar_flows_evicted_total",
        "Connections evicted because the flow table was full.",
        lambda seen: seen.flows_evicted,
    ),
    Number(
        "larimar_flows_gap_bytes_total",
        "Bytes that parsers needed and did not get: lost, dropped, not read or not copied.",
        lambda seen: seen.gap_bytes,
    ),
    Number(
        "larimar_flows_misplaced_total",
        "Connections that were not found in the flow table when they ended; never, unless memory is corrupt.",
        lambda seen: seen.flows_misplaced,
    ),
    Number(
        "larimar_flows_inferred_total",
        "Connections that were over before any look at the sockets, credited to the only service of this host whose "
        "connections to the same server were seen to come and go within the last minute.",
        lambda seen: seen.inferred,
    ),
    Number(
        "larimar_flows_unattributed_total",
        "Connections with an end on this host that belongs to no known service.",
        lambda seen: seen.unattributed,
    ),
    Number(
        "larimar_processes_hidden",
        "Processes that are listed but could not be read. /proc.",
        lambda seen: seen.hidden_processes,
    ),
    Number(
        "larimar_processes_unsearched",
        "Processes whose sockets are still to be looked up, which is done in small steps. /proc/PID/fd.",
        lambda seen: seen.unsearched_processes,
    ),
    Number(
        "larimar_sockets_unowned",
        "Sockets whose process was not found: another namespace's, the kernel's, or forbidden to look at. sock_diag.",
        lambda seen: seen.unowned_sockets,
    ),
    Number(
        "larimar_socket_read_failures_total",
        "Failed attempts to read the sockets; the previous ones were used instead.",
        lambda seen: seen.socket_failures,
    ),
    Number(
        "larimar_socket_closings_lost_total",
        "Notices of closed TCP sockets that were lost, and with them their last bytes, as more came than were kept.",
        lambda seen: seen.closings_lost,
    ),
    Counts(
        "larimar_flows_estimated_messages_total",
        "Messages counted without being copied, by the size of those in front of them in the same packet.",
        "protocol",
        lambda seen: seen.estimated,
    ),
    Counts(
        "larimar_parse_errors_total",
        "Connections whose bytes turned out not to be the protocol that they began as.",
        "protocol",
        lambda seen: seen.parse_errors,
    ),
    Counts(
        "larimar_series_limited_total",
        "Label values folded into ~other because of a limit.",
        "label",
        lambda seen: seen.limited,
    ),
    Counts(
        "larimar_loop_failures_total",
        "Failed rounds of the exporter's loops; see the log.",
        "stage",
        lambda seen: seen.failures,
    ),
)


def self_families(coverage: Coverage, version: str) -> Iterator[Family]:
    """Yield the families about the exporter itself."""
    build = gauge("larimar_build_info", "Always 1; which version this is.", labels=("version",))
    build.add((version,), 1)
    yield build
    for family in FAMILIES:
        yield family.family(coverage)
    capabilities = gauge(
        "larimar_capability_available",
        "Whether the exporter has what it needs here; the log says how to grant it.",
        labels=("capability",),
    )
    for capability, available in sorted(coverage.capabilities.items()):
        capabilities.add((capability,), available)
    yield capabilities
