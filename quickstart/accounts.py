"""Running a program as another user than root, as PostgreSQL requires."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """Who a program runs as; `root` is whether that was asked of root."""

    uid: int
    gid: int
    changed: bool

    def arguments(self) -> Mapping[str, int | list[int]]:
        """Return the keyword arguments of `subprocess.Popen` that start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.changed else {}

    def may_enter(self, folder: Path) -> bool:
        """Return whether the account can reach what is in `folder`, by the permission bits of all folders above."""
        if not self.changed:
            return os.access(folder, os.R_OK | os.X_OK)
        folder = folder.resolve()
        return all(self._passes(each.stat()) for each in (folder, *folder.parents))

    def _passes(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        return bool(status.st_mode & (0o010 if status.st_gid == self.gid else 0o001))


def ordinary() -> Account:
    """Return who runs this, or for root the system's `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), changed=False)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, changed=True)


@contextmanager
def own_folder(account: Account) -> Iterator[Path]:
    """Give a new folder under the system's temporary one that is the account's, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="larimar-"))
    try:
        if account.changed:
            os.chown(folder, account.uid, account.gid)
        yield folder
    finally:
        shutil.rmtree(folder)
