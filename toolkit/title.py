"""The name under which the kernel lists this process: `ps -e` and the exporter show it instead of the interpreter's."""

from pathlib import Path

KERNEL_BYTES = 15  # what TASK_COMM_LEN leaves for a name


def show_as(program: str, comm: Path = Path("/proc/self/comm")) -> None:
    """Make the kernel list this process as `program`, cut to 15 bytes; does nothing where /proc has no such file."""
    try:
        comm.write_bytes(program.encode()[:KERNEL_BYTES])
    except OSError:  # not Linux, or no procfs: the name is for people only
        return
