"""Writes a /proc as the kernel would, into a folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcTree:
    """A folder that looks like /proc."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "ProcTree":
        path.mkdir()
        (path / "stat").write_text("cpu 1 2 3\nbtime 1700000000\n")
        return cls(path)

    def add(
        self,
        pid: int,
        command: bytes,
        *,
        parent: int = 1,
        start: int = 100,
        executable: str = "",
        comm: bytes = b"",
        cpu: int = 0,
        flags: int = 0,
        state: str = "S",
    ) -> Path:
        folder = self.path / str(pid)
        folder.mkdir(exist_ok=True)
        first = command.split(b"\0", 1)[0]
        name = comm or first.rsplit(b"/", 1)[-1][:15]
        numbers = [parent, pid, pid, 0, -1, flags, 7, 0, 1, 0, cpu, 2, 0, 0, 20, 0, 3, 0, start, 4096, 25]
        line = b"%d (%s) %s %s\n" % (pid, name, state.encode(), " ".join(map(str, [*numbers, *[0] * 30])).encode())
        (folder / "stat").write_bytes(line)
        (folder / "cmdline").write_bytes(command)
        (folder / "io").write_text(
            "rchar: 9\nwchar: 9\nsyscr: 11\nsyscw: 12\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n"
        )
        (folder / "cgroup").write_text("0::/\n")
        (folder / "environ").write_bytes(b"SECRET=x\0OTEL_SERVICE_NAME_X=no\0")
        (folder / "limits").write_text(
            "Limit Soft Limit Hard Limit Units\nMax open files            1024   4096   files\n"
        )
        (folder / "fd").mkdir(exist_ok=True)
        (folder / "exe").unlink(missing_ok=True)
        (folder / "exe").symlink_to(executable or first.decode("utf-8", "surrogateescape"))
        return folder

    def open_socket(self, pid: int, descriptor: int, inode: int) -> None:
        (self.path / str(pid) / "fd" / str(descriptor)).symlink_to(f"socket:[{inode}]")

    def remove(self, pid: int) -> None:
        folder = self.path / str(pid)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        folder.rmdir()
