"""What the exporter is not permitted to do here, what is lost without it, and the command that grants it."""

from collections.abc import Collection, Mapping

LOSSES = {
    "capture": "requests, errors, durations and edges",
    "procfs": "page faults, swap and files of processes (psutil tells the rest)",
    "processes": "other users' processes: their services, names and resources",
    "bpf_tasks": "time spent waiting for a CPU, context switches of all threads, and CPU time to the nanosecond",
    "cgroup_v2": "pressure of services, and the CPU time of children nobody waited for",
    "cgroup_controllers": "throttling, memory limits and OOM kills of services",
    "proc_io": "disk bytes, and read and write calls, of other users' processes",
    "proc_files": "which service a socket of another user belongs to, and open file descriptors",
    "proc_executables": "the executables of other users' processes, and so their names",
    "sock_diag": "bytes, round-trip times and states of TCP connections (other tables are read instead)",
    "unix_sockets": "connections of services over Unix sockets",
    "udp_drops": "datagrams that found the buffers of UDP sockets full",
    "syscalls": "system calls per service",
    "net_namespaces": "sockets of containers with a network of their own",
    "closed_sockets": "the last bytes of TCP connections when hundreds end at once",
}
GRANTING = "+net_raw,+net_admin,+sys_ptrace,+dac_read_search,+bpf,+perfmon"
GRANTING_MORE = {"net_namespaces": "+sys_admin"}  # nothing less may enter another network namespace


def losses(capabilities: Mapping[str, bool]) -> str:
    """Return what is lost without the capabilities that are not available; empty where nothing is."""
    return "; ".join(LOSSES[name] for name, available in capabilities.items() if not available)


def grant(user_id: int, group_id: int, missing: Collection[str] = ()) -> str:
    """Return the command that starts the exporter as the same user with what it needs, and no more.

    Args:
        missing: capabilities that are not available; for some, more is needed than what all hosts need.
    """
    granting = ",".join([GRANTING, *(more for name, more in GRANTING_MORE.items() if name in missing)])
    return (
        f"sudo setpriv --reuid={user_id} --regid={group_id} --init-groups "
        f"--inh-caps={granting} --ambient-caps={granting} $(command -v larimar-exporter)"
    )
