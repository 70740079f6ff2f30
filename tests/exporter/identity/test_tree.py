from hypothesis import given
from hypothesis import strategies as st

from exporter.identity.facts import NameSource, ProcessFacts
from exporter.identity.ladder import own_name
from exporter.identity.tree import Candidate, Place, places, places_again, stale_places


def place_all(*processes: ProcessFacts) -> dict[int, Place]:
    return places({facts.pid: Candidate(facts, own_name(facts)) for facts in processes})


def process(pid: int, parent_pid: int, executable: str, line: str = "") -> ProcessFacts:
    arguments = tuple(line.split()) if line else (executable,)
    return ProcessFacts(
        pid, pid, parent_pid, executable.rsplit("/", 1)[-1], executable, arguments, working_directory="/"
    )


programs = st.sampled_from(["/usr/bin/bash", "/usr/bin/python3.11", "/opt/shop", "/usr/sbin/nginx", "/bin/sh -c shop"])
hosts = st.lists(st.dictionaries(st.integers(2, 12), st.tuples(st.integers(0, 11), programs), max_size=10), max_size=6)


@given(hosts)
def test_places_kept_from_before_are_those_found_anew(rounds: list[dict[int, tuple[int, str]]]) -> None:
    before: dict[int, Candidate] = {}
    found: dict[int, Place] = {}
    for taken in rounds:
        candidates = {}
        for pid, (parent_pid, line) in taken.items():
            facts = process(pid, min(parent_pid, pid - 1), line.split()[0], line)
            known = before.get(pid)
            candidates[pid] = known if known and known.facts == facts else Candidate(facts, own_name(facts))
        found = places_again(candidates, found, stale_places(candidates, before))
        before = candidates
        assert found == places(candidates)


SYSTEMD = process(1, 0, "/usr/lib/systemd/systemd")


def test_a_forked_worker_belongs_to_its_master() -> None:
    found = place_all(
        SYSTEMD,
        process(10, 1, "/usr/bin/python3.11", "python3 shop.py"),
        process(11, 10, "/usr/bin/python3.11", "python3 shop.py"),
        process(12, 11, "/usr/bin/python3.11", "python3 -c from-multiprocessing"),
    )

    assert [found[pid].name.text for pid in (10, 11, 12)] == ["shop"] * 3
    assert {found[pid].root_pid for pid in (10, 11, 12)} == {10}
    assert found[12].name.source is NameSource.PARENT


def test_workers_that_set_a_title_belong_to_their_master() -> None:
    worker = ProcessFacts(11, 11, 10, "python3", "/usr/bin/python3.11", ("image resizing",))

    found = place_all(SYSTEMD, process(10, 1, "/usr/bin/python3.11", "python3 shop.py"), worker)

    assert found[11].name.text == "shop"


def test_tools_work_for_their_caller_through_an_inline_shell() -> None:
    found = place_all(
        SYSTEMD,
        process(10, 1, "/usr/bin/python3.11", "python3 shop.py"),
        process(11, 10, "/usr/bin/dash", "sh -c sort"),
        process(12, 11, "/usr/bin/sort", "sort"),
    )

    assert found[12].name.text == "shop"


def test_a_managers_children_are_their_own_services_but_not_what_a_person_has_done_by_the_way() -> None:
    found = place_all(
        SYSTEMD,
        process(5, 1, "/usr/bin/python3.11", "python3 /usr/bin/supervisord"),
        process(10, 5, "/usr/bin/redis-server", "redis-server *:1"),
        process(11, 5, "/usr/bin/python3.11", "python3 -c pass"),
        process(20, 1, "/usr/bin/bash", "-bash"),
        process(21, 20, "/usr/bin/sleep", "sleep 9"),
    )

    assert [found[pid].name.text for pid in (5, 10, 11, 20, 21)] == ["supervisord", "redis", "python", "bash", "bash"]


def test_a_server_started_by_a_script_has_its_own_name_and_the_scripts_tools_have_not() -> None:
    found = place_all(
        SYSTEMD,
        process(10, 1, "/usr/bin/bash", "bash /opt/nightly.sh"),
        process(11, 10, "/usr/bin/redis-server", "redis-server *:1"),
        process(12, 10, "/usr/bin/sleep", "sleep 60"),
    )

    assert [found[pid].name.text for pid in (10, 11, 12)] == ["nightly", "redis", "nightly"]


def test_a_torn_reading_in_which_processes_are_each_others_parents_ends() -> None:
    found = place_all(process(10, 11, "/usr/bin/sleep"), process(11, 10, "/usr/bin/sleep"))

    assert found.keys() == {10, 11}
