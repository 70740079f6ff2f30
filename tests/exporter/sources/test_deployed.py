import os
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.identity.facts import ContainerFacts, ProcessFacts
from exporter.services.deployment import Change, Deployment, Part, Start
from exporter.services.outlines import Dependency
from exporter.services.view import HostView, Process
from exporter.sources.deployed import Deployed


class Machine:
    """A root directory and the /proc that shows it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.proc = folder / "proc"
        self.write("opt/shop", "binary 1")
        self.deployed = Deployed(self.proc)
        for pid in (1, 10):
            (self.proc / str(pid)).mkdir(parents=True)
            (self.proc / str(pid) / "root").symlink_to(self.root)
        (self.proc / "10" / "exe").symlink_to(self.root / "opt/shop")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (len(text), len(text)))

    def look(self, facts: ProcessFacts) -> Deployment:
        view = HostView(processes={10: Process(facts, "shop", starts=True)})
        return self.deployed.read(view, (), ())["shop"]

    def parts(self, facts: ProcessFacts, change: Change) -> set[Part]:
        (found,) = self.look(facts).instances.values()
        return {part for part in found if part.change is change}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def facts(*arguments: str, executable: str = "/opt/shop", cgroup: str = "", image: str = "") -> ProcessFacts:
    return ProcessFacts(
        10,
        100,
        1,
        "shop",
        executable,
        arguments or (executable,),
        cgroup,
        working_directory="/srv",
        container=ContainerFacts(image=image),
    )


def test_a_binary_is_another_by_its_size_or_time(machine: Machine) -> None:
    before = machine.parts(facts(), Change.EXECUTABLE)
    machine.write("opt/shop", "binary 22")

    assert len(before) == 1
    assert machine.parts(facts(), Change.EXECUTABLE) != before


def test_facts_that_are_the_same_are_not_read_again(machine: Machine) -> None:
    once = facts()
    before = machine.parts(once, Change.EXECUTABLE)
    machine.write("opt/shop", "binary 22")

    assert machine.parts(once, Change.EXECUTABLE) == before


def test_the_script_of_an_interpreter_is_an_executable_too(machine: Machine) -> None:
    machine.write("srv/till.py", "print(1)")

    found = machine.parts(facts("python3", "-u", "till.py", executable="/usr/bin/python3"), Change.EXECUTABLE)

    assert any("root/srv/till.py" in part.value for part in found)


def test_a_command_line_is_kept_as_a_digest_only(machine: Machine) -> None:
    one = machine.parts(facts("/opt/shop", "--password=hunter2"), Change.COMMAND_LINE)
    other = machine.parts(facts("/opt/shop", "--password=hunter3"), Change.COMMAND_LINE)

    assert one != other
    assert all("hunter" not in part.value for part in one | other)


def test_a_title_is_no_command_line(machine: Machine) -> None:
    assert not machine.parts(facts("postgres: checkpointer "), Change.COMMAND_LINE)
    assert machine.parts(facts("nginx: master process nginx -c /x.conf"), Change.COMMAND_LINE)


def test_configuration_files_on_the_command_line_are_followed(machine: Machine) -> None:
    machine.write("srv/shop.yml", "a")
    machine.write("etc/shop.conf", "a")
    once = facts("/opt/shop", "--config=shop.yml", "-c", "/etc/shop.conf", "/etc/missing.conf")
    before = machine.parts(once, Change.CONFIG)
    machine.write("etc/shop.conf", "another")

    after = machine.parts(once, Change.CONFIG)

    assert len(before) == len(after) == 2
    assert len(before & after) == 1


def test_two_processes_with_the_same_files_are_made_of_the_same(machine: Machine) -> None:
    machine.write("etc/shop.conf", "a")
    machine.write("srv/till.py", "print(1)")
    (machine.proc / "11").mkdir()
    (machine.proc / "11" / "root").symlink_to(machine.root)
    (machine.proc / "11" / "exe").symlink_to(machine.root / "opt/shop")
    one = facts("python3", "till.py", "-c", "/etc/shop.conf", executable="/usr/bin/python3")
    processes = {pid: Process(replace(one, pid=pid), "shop", starts=True) for pid in (10, 11)}

    first, second = machine.deployed.read(HostView(processes=processes), (), ())["shop"].instances.values()

    assert first == second
    assert {part.change for part in first} == {Change.EXECUTABLE, Change.COMMAND_LINE, Change.CONFIG}


def test_the_usual_configuration_of_a_known_program_is_followed(machine: Machine) -> None:
    machine.write("etc/redis/redis.conf", "port 1")

    assert machine.parts(facts("redis-server *:6379", executable="/usr/bin/redis-server"), Change.CONFIG)


def test_a_unit_is_another_by_its_file_or_what_overrides_it(machine: Machine) -> None:
    cgroup = "/system.slice/shop@1.service"
    machine.write("etc/systemd/system/shop@.service", "[Service]")
    before = machine.parts(facts(cgroup=cgroup), Change.UNIT)
    machine.write("etc/systemd/system/shop@1.service.d/limits.conf", "[Service]\n")

    assert len(before) == 1
    assert machine.parts(facts(cgroup=cgroup), Change.UNIT) != before


def test_the_image_of_a_container_is_a_part(machine: Machine) -> None:
    assert machine.parts(facts(image="sha256:1"), Change.IMAGE) == {Part(Change.IMAGE, "sha256:1")}


def test_workers_are_no_instances_and_what_is_around_belongs_to_the_service(machine: Machine) -> None:
    processes = {10: Process(facts(), "shop", starts=True), 11: Process(facts(), "shop")}

    found = machine.deployed.read(
        HostView(processes=processes), ({"shop": frozenset({80})},), (Dependency("shop", "db"), Dependency("x", "y"))
    )

    assert set(found["shop"].instances) == {Start(10, 100)}
    assert found["shop"].around == {Part(Change.PORT, "0:80"), Part(Change.DEPENDENCY, "db")}
    assert set(found) == {"shop"}


def forked(pid: int, parent: int, executable: str = "/opt/shop", title: str = "shop: worker") -> ProcessFacts:
    return ProcessFacts(pid, 100 + pid, parent, "shop", executable, (title,))


def starts(deployed: Deployed, service: str, *processes: Process) -> set[Start]:
    found = deployed.read(HostView(processes={one.facts.pid: one for one in processes}), (), ())
    return set(found[service].instances)


def test_a_worker_that_outlives_its_master_for_a_moment_is_no_start(tmp_path: Path) -> None:
    deployed = Deployed(tmp_path)
    master, worker = Process(facts(), "shop", starts=True), Process(forked(11, 10), "shop")
    made_of = deployed.read(HostView(processes={10: master, 11: worker}), (), ())["shop"]

    orphan = Process(forked(11, 1), "shop", starts=True)

    assert deployed.read(HostView(processes={11: orphan}), (), ())["shop"] == made_of
    after = Process(replace(facts(), pid=12, start_ticks=900), "shop", starts=True)
    assert starts(deployed, "shop", orphan, after) == {Start(10, 100), Start(12, 900)}
    assert starts(deployed, "shop", after) == {Start(12, 900)}


def test_the_workers_of_a_pool_with_a_name_of_its_own_are_one_instance(tmp_path: Path) -> None:
    fpm = "/usr/sbin/php-fpm8.2"
    master = Process(forked(10, 1, fpm, "php-fpm: master process (x)"), "php-fpm", starts=True)
    pool = [Process(forked(pid, 10, fpm, "php-fpm: pool shop"), "php-fpm/shop", starts=True) for pid in (11, 12, 13)]
    deployed = Deployed(tmp_path)

    assert starts(deployed, "php-fpm/shop", master, *pool[:2]) == {Start(10, 110)}
    assert starts(deployed, "php-fpm/shop", master, *pool[1:]) == {Start(10, 110)}


def test_what_a_supervisor_starts_is_an_instance_of_its_own_once_it_runs_its_program(tmp_path: Path) -> None:
    supervisor = Process(forked(10, 1, "/usr/bin/python3"), "supervisord", starts=True)
    deployed = Deployed(tmp_path)
    early = Process(forked(11, 10, "/usr/bin/python3"), "supervisord")
    assert starts(deployed, "supervisord", supervisor, early) == {Start(10, 110)}

    running = Process(forked(11, 10, "/opt/shop"), "shop", starts=True)
    assert starts(deployed, "shop", supervisor, running) == {Start(11, 111)}


def test_files_that_may_not_be_seen_are_left_out(tmp_path: Path) -> None:
    deployed = Deployed(tmp_path / "nowhere")

    found = deployed.read(HostView(processes={10: Process(facts("/opt/shop", "x.conf"), "shop", starts=True)}), (), ())

    assert {part.change for part in found["shop"].instances[Start(10, 100)]} == {Change.COMMAND_LINE}
