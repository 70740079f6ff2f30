"""What each service uses: CPU, memory, disk, system calls, files."""

from collections.abc import Iterator, Mapping

from exporter.services.histogram import NANOSECONDS
from exporter.services.resources import ServiceResources
from toolkit.families import Family, counter, gauge

_SERVICE = ("service_name",)


def resource_families(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    """Yield the families of resources; what may not be read of any member is left out, not zero.

    Args:
        resources: by the service's name.
    """
    yield from _processor(resources)
    yield from _memory(resources)
    yield from _io(resources)
    yield from _numbers(resources)
    yield from _life(resources)
    yield from _cgroups(resources)


def _processor(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    cpu = counter(
        "larimar_service_cpu_seconds_total",
        "CPU time of all processes, including ended ones and children that they waited for; where a service has "
        "cgroups of its own, of all children. The kernel's tasks by eBPF, else /proc/PID/stat; cgroup cpu.stat.",
        labels=("service_name", "mode"),
    )
    faults = counter(
        "larimar_service_page_faults_total",
        "Page faults; major ones had to wait for a disk. /proc/PID/stat.",
        labels=("service_name", "kind"),
    )
    for name, one in resources.items():
        cpu.add((name, "user"), one.counters.user_nanoseconds / NANOSECONDS)
        cpu.add((name, "system"), one.counters.system_nanoseconds / NANOSECONDS)
        if one.has_memory_events:
            faults.add((name, "minor"), one.counters.minor_faults)
            faults.add((name, "major"), one.counters.major_faults)
    yield cpu
    yield faults
    waits = {name: one.counters for name, one in resources.items() if one.has_waits}
    switches = counter(
        "larimar_service_context_switches_total",
        "Context switches: threads that waited for something (voluntary) or were preempted. Kernel tasks, by eBPF.",
        labels=("service_name", "kind"),
    )
    for name, counters in waits.items():
        switches.add((name, "voluntary"), counters.voluntary_switches)
        switches.add((name, "involuntary"), counters.involuntary_switches)
    yield switches
    yield _counter(
        "larimar_service_cpu_run_delay_seconds_total",
        "Time that runnable threads waited for a CPU. Kernel tasks, by eBPF.",
        {name: counters.delay_nanoseconds / NANOSECONDS for name, counters in waits.items()},
    )


def _cgroups(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    """Yield the families of cgroups, for the services that have cgroups of their own."""
    used = {name: one.cgroups for name, one in resources.items() if one.cgroups is not None}
    yield _counter(
        "larimar_service_cpu_throttled_seconds_total",
        "Time that a CPU quota throttled the service. cgroup cpu.stat.",
        {
            name: one.throttled_nanoseconds / NANOSECONDS
            for name, one in used.items()
            if one.throttled_nanoseconds is not None
        },
    )
    pressure = counter(
        "larimar_service_pressure_waiting_seconds_total",
        "Time that some of the service waited for cpu, io or memory. cgroup pressure files.",
        labels=("service_name", "resource"),
    )
    for name, one in used.items():
        for resource, waited in one.waiting_nanoseconds.items():
            pressure.add((name, resource), waited / NANOSECONDS)
    yield pressure
    yield _gauge(
        "larimar_service_memory_limit_bytes",
        "Memory limit of the service, where it has one. cgroup memory.max.",
        {name: one.memory_limit_bytes for name, one in used.items() if one.memory_limit_bytes},
    )
    yield _counter(
        "larimar_service_oom_kills_total",
        "Processes killed because the service had used up its memory. cgroup memory.events.",
        {name: one.oom_kills for name, one in used.items() if one.oom_kills is not None},
    )


def _memory(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    yield _gauge(
        "larimar_service_memory_resident_bytes",
        "Resident memory of all processes; shared pages count once per process. /proc/PID/stat.",
        {name: one.gauges.resident_bytes for name, one in resources.items()},
    )
    yield _gauge(
        "larimar_service_memory_proportional_bytes",
        "Resident memory with shared pages divided among the processes that share them (PSS): in turns, few processes "
        "at a time, the largest first; in between by the share that they had. /proc/PID/smaps_rollup.",
        {
            name: one.gauges.resident_bytes * one.proportional_share
            for name, one in resources.items()
            if one.proportional_share is not None
        },
    )
    yield _gauge(
        "larimar_service_memory_swap_bytes",
        "Swapped-out memory of all processes. /proc/PID/status.",
        {name: one.gauges.swap_bytes for name, one in resources.items() if one.has_memory_events},
    )


def _io(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    seen = {name: one.counters for name, one in resources.items() if one.has_io}
    yield _counter(
        "larimar_service_disk_read_bytes_total",
        "Bytes read from disks, not from the page cache. /proc/PID/io.",
        {name: one.read_bytes for name, one in seen.items()},
    )
    yield _counter(
        "larimar_service_disk_written_bytes_total",
        "Bytes written to disks, including those still in the page cache. /proc/PID/io.",
        {name: one.written_bytes for name, one in seen.items()},
    )
    yield _counter(
        "larimar_service_read_syscalls_total",
        "System calls of the read family on files and sockets, without recv: the closest to fread(). /proc/PID/io.",
        {name: one.read_calls for name, one in seen.items()},
    )
    yield _counter(
        "larimar_service_write_syscalls_total",
        "System calls of the write family on files and sockets, without send. /proc/PID/io.",
        {name: one.write_calls for name, one in seen.items()},
    )


def _numbers(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    yield _gauge(
        "larimar_service_processes",
        "Processes; 0 for an hour after the last one ended.",
        {name: one.gauges.processes for name, one in resources.items()},
    )
    yield _gauge(
        "larimar_service_threads",
        "Threads of all processes. /proc/PID/stat.",
        {name: one.gauges.threads for name, one in resources.items()},
    )
    files = {name: one.gauges for name, one in resources.items() if one.has_io}
    yield _gauge(
        "larimar_service_open_fds",
        "Open file descriptors of all processes. /proc/PID/fd.",
        {name: one.open_files for name, one in files.items()},
    )
    yield _gauge(
        "larimar_service_open_fds_limit_ratio",
        "Share of its soft limit that the process closest to it has open. /proc/PID/fd, limits.",
        {name: one.open_files_limit_ratio for name, one in files.items() if one.open_files_limit_ratio},
    )


def _life(resources: Mapping[str, ServiceResources]) -> Iterator[Family]:
    yield _gauge(
        "larimar_service_start_time_seconds",
        "Start of the oldest process, in seconds since the epoch. /proc/PID/stat.",
        {name: one.gauges.started_at for name, one in resources.items() if one.gauges.processes},
    )
    yield _counter(
        "larimar_service_starts_total",
        "Starts of the service while the exporter ran, without the workers that it starts itself.",
        {name: one.starts for name, one in resources.items()},
    )


def _gauge(name: str, documentation: str, values: Mapping[str, float]) -> Family:
    family = gauge(name, documentation, _SERVICE)
    for service, value in values.items():
        family.add((service,), value)
    return family


def _counter(name: str, documentation: str, values: Mapping[str, float]) -> Family:
    family = counter(name, documentation, _SERVICE)
    for service, value in values.items():
        family.add((service,), value)
    return family
