"""System calls per service."""

from collections.abc import Iterator, Mapping

from exporter.services.syscalls import CallingStatus, Calls
from toolkit.families import Family, counter, gauge, single

LABELS = ("service_name", "syscall")


def syscall_families(services: Mapping[str, Mapping[str, Calls]], status: CallingStatus) -> Iterator[Family]:
    """Yield how well calls are seen, then the calls and failures of every service by name."""
    yield from _status_families(status)
    calls = counter(
        "larimar_service_syscalls_total",
        "System calls that returned, counted in random windows and scaled up unless syscalls.mode says otherwise; the "
        "20 that a service uses most, `~other` for the rest. eBPF.",
        labels=LABELS,
    )
    errors = counter(
        "larimar_service_syscall_errors_total",
        "System calls that returned an error, counted likewise, EAGAIN included. eBPF.",
        labels=LABELS,
    )
    for service_name, names in services.items():
        for name, one in names.items():
            calls.add((service_name, name), one.calls)
            errors.add((service_name, name), one.errors)
    yield calls
    yield errors


def _status_families(status: CallingStatus) -> Iterator[Family]:
    yield single(
        "larimar_syscalls_sampling_ratio",
        "Share of the time during which system calls are counted; counts are scaled by it. 0 where they are not.",
        status.sampling_ratio,
    )
    yield single(
        "larimar_syscalls_lost_total", "System calls that found no place among those that are counted.", status.lost
    )
    reason = gauge("larimar_syscalls_off", "Always 1; why no system calls are counted.", labels=("reason",))
    if status.off:
        reason.add((status.off,), 1)
    yield reason
