"""Unpacked Debian programs: found where they should be, and really running from there."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from quickstart import debian
from quickstart.accounts import Account, ordinary, own_folder
from quickstart.debian import PackageError, Tree

PROGRAMS = ("nginx", "redis-server", "redis-cli", "prometheus", "promtool", "alertmanager", "amtool")


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_path_comes_before_the_tree(tmp_path: Path) -> None:
    unpacked = program(tmp_path / "root/usr/sbin/nginx")
    on_path = program(tmp_path / "bin/nginx")
    assert Tree(tmp_path / "root", path=str(tmp_path / "bin")).binary("nginx") == on_path
    assert Tree(tmp_path / "root", path=str(tmp_path)).binary("nginx") == unpacked


def test_the_newest_postgresql_comes_before_the_wrappers(tmp_path: Path) -> None:
    program(tmp_path / "root/usr/bin/psql")
    program(tmp_path / "root/usr/lib/postgresql/15/bin/psql")
    newest = program(tmp_path / "root/usr/lib/postgresql/17/bin/psql")
    assert Tree(tmp_path / "root", path="").binary("psql") == newest


def test_alertmanager_is_found_by_debians_name(tmp_path: Path) -> None:
    found = program(tmp_path / "root/usr/bin/prometheus-alertmanager")
    assert Tree(tmp_path / "root", path="").binary("alertmanager") == found


def test_a_program_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"no-such-program is neither on PATH nor under"):
        Tree(tmp_path, path="").binary("no-such-program")
    with pytest.raises(PackageError, match=r"put on PATH: no-such-program \(no package is known for it\)"):
        debian.obtain(("no-such-program",), tmp_path / "tree", {"PATH": str(tmp_path)})


def test_library_folders_come_before_those_already_set(tmp_path: Path) -> None:
    folder = tmp_path / "root/usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    (folder / "libdemo.so.1").touch()
    (tmp_path / "root/lib").mkdir()
    tree = debian.opened(tmp_path, {"PATH": "/bin"})
    assert tree.environment({"LD_LIBRARY_PATH": "/own", "A": "b"}) == {"LD_LIBRARY_PATH": f"{folder}:/own", "A": "b"}
    assert Tree(tmp_path).environment({"A": "b"}) == {"A": "b"}


def test_a_folder_closed_to_the_account_is_noticed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not Account(uid=tmp_path.stat().st_uid + 1, gid=2**31, changed=True).may_enter(inner)


@pytest.mark.live
def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(PackageError, match=r"/proc/larimar: No such file or directory"):
        debian.unpack(("redis-server",), Path("/proc/larimar"), os.environ)


@pytest.mark.live
def test_an_unknown_package_is_refused_with_apts_words(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"(?s)no-such-package-xyz; put them on PATH.*Unable to locate"):
        debian.unpack(("no-such-package-xyz",), tmp_path / "tree", os.environ)
    assert not (tmp_path / "tree/unpacked.json").exists()


@pytest.mark.live
def test_unpacked_programs_run_as_an_ordinary_user() -> None:
    account = ordinary()
    with own_folder(account) as folder:
        folder.chmod(0o755)
        trees: list[Tree] = []
        both = [
            threading.Thread(target=lambda: trees.append(debian.obtain(PROGRAMS, folder / "tree", os.environ)))
            for _ in range(2)
        ]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert len(trees) == 2
        said = {name: version(trees[0], name, account, folder) for name in PROGRAMS}
        assert account.may_enter(folder / "tree")
    assert "nginx version" in said["nginx"]
    assert "Redis server v=" in said["redis-server"]
    assert all("version 0." in said[name] or "version 2" in said[name] for name in PROGRAMS[3:])


@pytest.mark.live
def test_postgresql_runs_for_root_as_an_ordinary_user() -> None:
    account = ordinary()
    with own_folder(account) as folder:
        folder.chmod(0o755)
        tree = debian.obtain(("postgres", "initdb", "psql"), folder / "tree", os.environ)
        run(tree, account, folder, "initdb", "--no-sync", "--auth=trust", "--username=demo", str(folder / "data"))
        said = run(
            tree, account, folder, "postgres", "--single", "-D", str(folder / "data"), "postgres", stdin="select 7"
        )
    assert '?column? = "7"' in said


def version(tree: Tree, name: str, account: Account, folder: Path) -> str:
    return run(tree, account, folder, name, "-v" if name in ("nginx", "redis-server", "redis-cli") else "--version")


def run(tree: Tree, account: Account, folder: Path, name: str, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [str(tree.binary(name)), *arguments],
        env=tree.environment(os.environ),
        cwd=folder,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=True,
        **account.arguments(),  # type: ignore[call-overload]  # one of Popen's keywords each
    )
    return str(done.stdout)
