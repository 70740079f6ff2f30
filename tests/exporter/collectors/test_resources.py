from exporter.collectors.listen import MAX_PORTS_PER_SERVICE, listen_families
from exporter.collectors.resources import resource_families
from exporter.collectors.services import service_families
from exporter.fingerprint.judgement import ClassSource, Judgement
from exporter.fingerprint.profiles import Profile
from exporter.identity.facts import NameSource, ServiceClass, ServiceIdentity
from exporter.services.members import Gauges
from exporter.services.resources import ServiceResources
from exporter.services.usage import CgroupUse, Counters
from exporter.services.view import HostView, Listener
from tests.contract.exposition import golden
from tests.exporter.collectors.test_traffic import exposed

BUSY = ServiceResources(
    Counters(2_500_000_000, 500_000_000, 9, 1, 4096, 8192, 11, 12, 750_000_000, 5, 6),
    starts=2,
    gauges=Gauges(3, 7, 30, 1 << 20, 4096, 0.25, 1.7e9),
    has_io=True,
    has_waits=True,
    cgroups=CgroupUse(1_500_000_000, {"cpu": 250_000_000, "io": 0}, 1 << 30, 2),
    proportional_share=0.75,
)


def test_resources_are_in_base_units() -> None:
    found = exposed(resource_families({"shop": BUSY}))

    assert found["larimar_service_cpu_seconds_total mode=user service_name=shop"] == 2.5
    assert found["larimar_service_cpu_seconds_total mode=system service_name=shop"] == 0.5
    assert found["larimar_service_page_faults_total kind=major service_name=shop"] == 1
    assert found["larimar_service_disk_written_bytes_total service_name=shop"] == 8192
    assert found["larimar_service_read_syscalls_total service_name=shop"] == 11
    assert found["larimar_service_open_fds_limit_ratio service_name=shop"] == 0.25
    assert found["larimar_service_starts_total service_name=shop"] == 2
    assert found["larimar_service_memory_proportional_bytes service_name=shop"] == 0.75 * (1 << 20)


def test_waiting_is_told_of_threads_and_of_whole_cgroups() -> None:
    found = exposed(resource_families({"shop": BUSY}))

    assert found["larimar_service_cpu_run_delay_seconds_total service_name=shop"] == 0.75
    assert found["larimar_service_context_switches_total kind=involuntary service_name=shop"] == 6
    assert found["larimar_service_cpu_throttled_seconds_total service_name=shop"] == 1.5
    assert found["larimar_service_pressure_waiting_seconds_total resource=cpu service_name=shop"] == 0.25
    assert found["larimar_service_memory_limit_bytes service_name=shop"] == 1 << 30
    assert found["larimar_service_oom_kills_total service_name=shop"] == 2


def test_what_could_never_be_read_is_absent_not_zero() -> None:
    hidden = ServiceResources(Counters(1), 0, Gauges(processes=1, started_at=5.0), has_io=False)

    found = exposed(resource_families({"shop": hidden}))

    assert "larimar_service_cpu_seconds_total mode=user service_name=shop" in found
    missing = ("proportional", "disk", "syscalls", "fds", "delay", "switches", "throttled", "pressure", "limit", "oom")
    assert not [name for name in found if any(word in name for word in missing)]


def test_a_service_without_processes_shows_none_and_no_start_time() -> None:
    found = exposed(resource_families({"shop": ServiceResources(Counters(1), 1, Gauges(), has_io=True)}))

    assert found["larimar_service_processes service_name=shop"] == 0
    assert "larimar_service_start_time_seconds service_name=shop" not in found


def test_a_services_identity_is_its_labels() -> None:
    services = {"shop": ServiceIdentity("shop", NameSource.INTERPRETER, "python", "")}

    assert exposed(service_families(services, {})) == {
        "larimar_service_info name_source=interpreter runtime=python service_class=unknown service_name=shop": 1
    }


def listening(*ports: tuple[int, str]) -> HostView:
    return HostView(
        listeners={Listener(transport, "*", port): "shop" for port, transport in ports},
        ephemeral_ports=range(32768, 61000),
    )


def test_a_clients_own_ports_are_not_where_it_listens() -> None:
    found = exposed(listen_families(listening((80, "tcp"), (53, "udp"), (40000, "udp"), (40001, "tcp"))))

    assert found == {
        "larimar_listen_info port=53 service_name=shop transport=udp": 1,
        "larimar_listen_info port=80 service_name=shop transport=tcp": 1,
    }


def test_a_server_on_an_ephemeral_port_alone_is_shown() -> None:
    found = exposed(listen_families(listening((40000, "udp"), (40002, "tcp"), (40001, "tcp"))))

    assert found == {"larimar_listen_info port=40001 service_name=shop transport=tcp": 1}


def test_the_ports_of_a_service_are_bounded() -> None:
    found = exposed(listen_families(listening(*((port, "tcp") for port in range(1000, 2000)))))

    assert len(found) == MAX_PORTS_PER_SERVICE


PROFILE = Profile((), Judgement(ServiceClass.CACHE, 0.8, ClassSource.BEHAVIOUR), None)


def test_names_types_and_labels_are_those_of_the_contract() -> None:
    families = [
        *resource_families({"shop": BUSY}),
        *service_families({"shop": ServiceIdentity("shop", NameSource.SYSTEMD)}, {"shop": PROFILE}),
        *listen_families(listening((80, "tcp"))),
    ]
    promised = golden()

    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert promised[name].kind == family.type
        assert {frozenset(sample.labels) for sample in family.samples} == {promised[name].labels}
