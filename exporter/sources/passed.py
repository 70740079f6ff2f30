"""How many packets the network interfaces have passed."""

from pathlib import Path


def packets_passed(devices: Path = Path("/proc/self/net/dev")) -> int:
    """Return how many packets all interfaces of this network namespace received and sent, -1 where that is not told."""
    try:
        lines = devices.read_bytes().split(b"\n")[2:-1]
        rows = [line.rpartition(b":")[2].split() for line in lines]
        return sum(int(row[1]) + int(row[9]) for row in rows)
    except (OSError, ValueError, IndexError):
        return -1
